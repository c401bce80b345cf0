"""What every page shows around its own content, and how a page is put together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from console import words
from console.access import Session
from console.counters import proven_since
from domain.effects import EffectKind
from domain.holds import Quiet, QuietCertificate
from domain.policy import HoldRules, Policy
from domain.rows import EffectMode
from domain.situation import Names
from domain.wording import Reader, count, safe_url
from jobs.runtime import Runtime
from mappings.findings import FileProblems
from store.tables import alerts, effects
from store.unit_of_work import Transaction

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The time of the page, and what the navigation counts. `policy` is None if unreadable, and
    then the rules are those that hold where a policy says nothing."""

    reader: Reader
    policy: Policy | None
    rules: HoldRules
    open_alerts: int
    stuck: int
    observed: tuple[EffectKind, ...]

    def is_proven(self, certificate: QuietCertificate) -> bool:
        """Whether the account was read back quiet, and lately enough."""
        if certificate.state is not Quiet.QUIET or certificate.checked_at is None:
            return False
        return certificate.checked_at >= proven_since(self.rules, self.reader.as_of)


def frame(tx: Transaction, runtime: Runtime) -> Frame:
    """Read it once per page. A policy that cannot be read leaves times in UTC, and no error."""
    now = runtime.clock.now()
    policy: Policy | None = None
    try:
        policy = runtime.configs.current(tx, now).policy
    except FileProblems:
        zone = "UTC"
    else:
        zone = policy.calendar.default_zone
    return Frame(
        reader=Reader(zone=zone, as_of=now),
        policy=policy,
        rules=policy.hold if policy else HoldRules(),
        open_alerts=_count(tx, sa.select(alerts.c.id).where(alerts.c.acknowledged_at.is_(None))),
        stuck=_count(tx, sa.select(effects.c.id).where(effects.c.state.in_(("parked", "dead")))),
        observed=tuple(
            kind for kind in EffectKind if runtime.settings.mode_of(kind) is not EffectMode.ACT
        ),
    )


def _count(tx: Transaction, query: sa.Select[Any]) -> int:
    counted = sa.select(sa.func.count()).select_from(query.subquery())
    return tx.connection.execute(counted).scalar_one()


class Pages:
    """Templates with every value escaped; a name that a template does not get is an error."""

    def __init__(self, names: Names) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(words=words, names=names, count=count, safe_url=safe_url)

    def show(
        self,
        request: Request,
        template: str,
        around: Frame | None = None,
        *,
        status: int = 200,
        **values: Any,
    ) -> HTMLResponse:
        """One page. Without `around` it stands alone, for errors and strangers."""
        session: Session | None = getattr(request.state, "session", None)
        text = self._environment.get_template(template).render(
            session=session, frame=around, path=request.url.path, **values
        )
        return HTMLResponse(text, status)
