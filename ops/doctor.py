"""Every check of an installation in one list: ok, wrong or unknown, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import redis
import sqlalchemy as sa

from domain.errors import KidgloveError
from domain.policy import Automation, HoldStart, Policy, Tier
from domain.ports import Examines, Health
from domain.wording import count
from jobs.crms import CRMS, connected
from jobs.runtime import PAYMENTS_SYSTEM, served
from ops import health
from ops.lines import Line, ok, wrong

if TYPE_CHECKING:
    from jobs.runtime import Runtime
    from store.unit_of_work import Transaction

CONFIRMED = "confirmed:"
"""Prefix of the stored documents in which people vouch for what no API shows."""
VALID = timedelta(days=180)
"""How long a person's word counts: settings in a Dashboard change without anybody telling us."""
CONFIRMATIONS = sa.text(
    "SELECT DISTINCT ON (name) name, author, note, at FROM config_versions "
    "WHERE name LIKE 'confirmed:%' ORDER BY name, version DESC"
)
FAILURE_MAILS = f"{PAYMENTS_SYSTEM}/failure-mails"


@dataclass(frozen=True, kw_only=True)
class Word:
    """A person's word for one line."""

    by: str
    at: datetime
    note: str


def examine(here: Runtime) -> list[Line]:
    """Every check. Never raises: a check that fails is a line that is wrong."""
    lines = [*_here(here)]
    for system in _systems(here):
        lines += _vendor(here, system)
    lines += _policy(here)
    try:
        with here.store.begin() as tx:
            words = confirmations(tx)
    except sa.exc.SQLAlchemyError:
        words = {}
    return [_with_word(line, words.get(line.id), here.clock.now()) for line in lines]


def people_only(here: Runtime) -> frozenset[str]:
    """The ids of the lines for which a person's word is asked, those confirmed before included."""
    lines = [line for system in _systems(here) for line in _vendor(here, system)]
    return frozenset(line.id for line in lines if line.health is Health.UNKNOWN)


def _systems(here: Runtime) -> tuple[str, ...]:
    """The payment system and every connected CRM; all that could be, if none is."""
    return (PAYMENTS_SYSTEM, *(connected(here.settings) or CRMS))


def confirmations(tx: Transaction) -> Mapping[str, Word]:
    """The latest word of a person for each line that has one."""
    return {
        row.name.removeprefix(CONFIRMED): Word(by=row.author, at=row.at, note=row.note)
        for row in tx.connection.execute(CONFIRMATIONS)
    }


def confirm(tx: Transaction, id: str, *, by: str, note: str, now: datetime) -> date:
    """Store a person's word for a line; returns the day until which it counts."""
    tx.system.add_config(f"{CONFIRMED}{id}", now.isoformat(), author=by, note=note, now=now)
    tx.audit.note("doctor.confirmed", id, now=now, actor=by, details={"note": note})
    return (now + VALID).date()


def _with_word(line: Line, word: Word | None, now: datetime) -> Line:
    """An unknown line for which a person vouched not long ago is fine."""
    if line.health is not Health.UNKNOWN or word is None:
        return line
    said = f"confirmed by {word.by} on {word.at:%d %b %Y}{f': {word.note}' if word.note else ''}"
    if now - word.at <= VALID:
        return replace(line, health=Health.OK, detail=said, remedy="")
    return replace(line, detail=f"{line.detail} (it was {said}, which is too long ago)")


# ---------------------------------------------------------------- here


def _here(here: Runtime) -> Iterator[Line]:
    yield _database(here)
    yield _queue(here)
    try:
        with here.store.begin() as tx:
            now = here.clock.now()
            yield from health.of_relay(tx)
            yield from health.of_work(tx, now)
            yield from health.of_promises(tx, now)
            yield from _circuits(tx)
    except sa.exc.SQLAlchemyError as problem:
        yield wrong("here/store", f"it cannot be read ({type(problem).__name__})", "See above.")
    with suppress(redis.RedisError):
        yield from health.of_workers(here.redis, served(here.settings))
    yield from _edge(here)
    yield from _modes(here)


def _database(here: Runtime) -> Line:
    try:
        with here.store.begin() as tx:
            version = tx.connection.execute(sa.text("SHOW server_version")).scalar()
            schema = tx.connection.execute(
                sa.text("SELECT version_num FROM alembic_version")
            ).scalar()
    except sa.exc.SQLAlchemyError as problem:
        return wrong(
            "here/database",
            f"PostgreSQL does not answer ({type(problem).__name__})",
            "Check DATABASE_URL; without it `kidglove up` brings its own server.",
        )
    return ok("here/database", f"PostgreSQL {str(version).split()[0]}, schema {schema}")


def _queue(here: Runtime) -> Line:
    try:
        info = here.redis.info("server")
        policy = here.redis.config_get("maxmemory-policy").get("maxmemory-policy")
    except redis.RedisError as problem:
        return wrong(
            "here/queue",
            f"the Redis server does not answer ({type(problem).__name__})",
            "Check REDIS_URL; without it `kidglove up` brings its own server.",
        )
    version = info.get("valkey_version") or info.get("redis_version")
    if policy not in ("noeviction", None):
        return wrong(
            "here/queue",
            f"it forgets keys when its memory is full (maxmemory-policy {policy})",
            "Set maxmemory-policy to noeviction: a queue must not lose jobs.",
        )
    return ok("here/queue", f"version {version}, forgets nothing")


def _circuits(tx: Transaction) -> Iterator[Line]:
    for system, reason in tx.system.open_circuits().items():
        yield wrong(
            f"here/circuit-{system}",
            f"nothing is sent to {system}: {reason}",
            f"Renew the credential, then `kidglove circuit close {system}`.",
        )


def _edge(here: Runtime) -> Iterator[Line]:
    from ops.up import answers

    ours = here.settings
    if answers(ours.host, ours.port):
        yield ok("here/edge", f"webhooks are taken on {ours.host}:{ours.port}")
    else:
        yield Line(
            id="here/edge",
            health=Health.UNKNOWN,
            detail=f"nothing answers on {ours.host}:{ours.port}",
            remedy="`kidglove up` starts it; if it runs on another host, look there.",
        )
    if ours.stripe.webhook_secrets:
        yield ok("here/stripe-secrets", count(len(ours.stripe.webhook_secrets), "signing secret"))
    else:
        yield wrong(
            "here/stripe-secrets",
            "no signing secret is set, so Stripe's webhooks are refused",
            "Set KIDGLOVE_STRIPE__WEBHOOK_SECRETS to the endpoint's secret, as a JSON list.",
        )
    org, portal = ours.salesforce, ours.hubspot
    if org.instance_url:
        secrets = len(org.webhook_secrets) + len(org.flow_api_keys)
        yield _told_by(
            "salesforce", secrets, "for messages and flows", "KIDGLOVE_SALESFORCE__WEBHOOK_SECRETS"
        )
    if portal.token.get_secret_value():
        secrets = len(portal.app_secrets) if portal.webhook_url else 0
        yield _told_by(
            "hubspot",
            secrets,
            f"for {portal.webhook_url}",
            "KIDGLOVE_HUBSPOT__APP_SECRETS and __WEBHOOK_URL",
        )


def _told_by(system: str, secrets: int, what: str, names: str) -> Line:
    """Whether a CRM may tell us of changes; without it they are found, only later."""
    id, title = f"here/{system}-secrets", CRMS[system].title
    if secrets:
        return ok(id, f"{count(secrets, 'secret')} {what}")
    return Line(
        id=id,
        health=Health.UNKNOWN,
        detail=f"no message is accepted from {title}, so changes are found by polling",
        remedy=f"Set {names} to be told within seconds.",
    )


def _modes(here: Runtime) -> Iterator[Line]:
    from domain.effects import EffectKind
    from domain.rows import EffectMode

    quiet = [kind for kind in EffectKind if here.settings.mode_of(kind) is not EffectMode.ACT]
    if quiet:
        yield Line(
            id="here/effects",
            health=Health.UNKNOWN,
            detail=f"{count(len(quiet), 'kind')} of effects only written down, not carried out",
            remedy="Set KIDGLOVE_ALL_EFFECTS=act when what is shown is what you want.",
        )
    else:
        yield ok("here/effects", "every kind of effect is carried out")


# ---------------------------------------------------------------- vendors and policy


def _vendor(here: Runtime, system: str) -> Iterator[Line]:
    """What the connector finds; one that cannot even be made is a line that is wrong."""
    try:
        found: Examines | None = here.stripe if system == PAYMENTS_SYSTEM else here.crms.get(system)
    except KidgloveError as problem:
        yield wrong(f"{system}/connected", problem.message, problem.remedy)
        return
    except sa.exc.SQLAlchemyError:
        yield wrong(f"{system}/connected", "its mapping cannot be read", "See here/database.")
        return
    if found is None:
        yield Line(
            id=f"{system}/connected",
            health=Health.UNKNOWN,
            detail="not connected",
            remedy=f"Set {CRMS[system].switch} and its credential.",
        )
        return
    for finding in found.examine():
        yield Line.of(system, finding)


def _policy(here: Runtime) -> Iterator[Line]:
    try:
        with here.store.begin() as tx:
            config = here.configs.current(tx, here.clock.now())
            words = confirmations(tx)
    except sa.exc.SQLAlchemyError:
        return
    except (KidgloveError, KeyError) as problem:
        yield wrong("policy/in-force", str(problem), "`kidglove policy check` says what is wrong.")
        return
    yield ok("policy/in-force", config.label)
    for tier in config.policy.tiers:
        yield from _tier(config.policy, tier, mails_off=FAILURE_MAILS in words)


def _tier(policy: Policy, tier: Tier, *, mails_off: bool) -> Iterator[Line]:
    """What quiet costs in this tier, in the way that the policy chose."""
    id = f"policy/tier-{tier.name}"
    if tier.automation is not Automation.HELD:
        stops = "until the CRM says in resolution"
        how = stops if tier.automation is Automation.UNTIL_IN_RESOLUTION else "all the way"
        yield ok(id, f"Stripe's own dunning runs {how}; robotic mails are meant to go out")
        return
    if tier.hold_start is HoldStart.INTERCEPT:
        rules = policy.hold
        yield ok(
            id,
            "intercept: no automatic mail for renewals. The price: Kidglove starts the first try, "
            f"{rules.intercept_finalize_minutes} minutes after the draft; if it is away for "
            f"{rules.intercept_hand_back_hours} hours, the invoice goes back to Stripe. A "
            "subscription's very first invoice cannot be intercepted.",
        )
        return
    yield Line(
        id=id,
        health=Health.OK if mails_off else Health.UNKNOWN,
        detail="react: Stripe collects as ever, and the mail of the first failure may be out "
        "before the hold begins; it cannot be called back.",
        remedy=""
        if mails_off
        else f"Use intercept, or switch that mail off: `kidglove doctor confirm {FAILURE_MAILS}`.",
    )
