"""Plans of mappings over the wiring: made, kept, priced, held against the present."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from math import ceil
from typing import TYPE_CHECKING

from domain.described import DescribedField, Describes
from jobs.runtime import NAMES, PAYMENTS_SYSTEM
from ops.missed import FAILING_CALLS
from sync.configs import mapping_name
from sync.planning import Plan, Planner, loaded

if TYPE_CHECKING:
    from jobs.runtime import Runtime

AT_ONCE = 100
"""Accounts that one bulk job reads and writes in a CRM with one call each."""


def make_plan(
    here: Runtime,
    system: str,
    text: str,
    *,
    limit: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Plan:
    """The plan for this text as of now. Writes nothing, in no system."""
    planner = Planner(
        store=here.store,
        refresh=here.refresh,
        configs=here.configs,
        clock=here.clock,
        names=NAMES,
        calls=lambda: _calls(here),
    )
    return planner.plan(
        system,
        text,
        base=base_of(here, system),
        described=described(here, system, text),
        limit=limit,
        progress=progress,
    )


def base_of(here: Runtime, system: str) -> str:
    """The label of the mapping in force."""
    name = mapping_name(system)
    with here.store.begin() as tx:
        stored = tx.system.config(name)
    return stored.label if stored is not None else f"{name}:shipped"


def described(here: Runtime, system: str, text: str) -> Mapping[str, DescribedField] | None:
    """The live fields of the mapping's object, or None if the CRM does not tell."""
    from mappings.mapping_file import load_mapping

    connector = here.crms[system]
    if not isinstance(connector, Describes):
        return None
    return connector.describe_fields(load_mapping(text, name=f"{system}.yaml").object)


def keep(here: Runtime, plan: Plan, *, by: str) -> None:
    """Store the plan, so that somebody else can look at it and apply it."""
    with here.store.begin() as tx:
        tx.plans.keep(
            plan.id,
            name=mapping_name(plan.system),
            body=asdict(plan),
            author=by,
            now=here.clock.now(),
        )


def kept(here: Runtime, id: str) -> Plan | None:
    """The stored plan of this id, or None."""
    with here.store.begin() as tx:
        stored = tx.plans.get(id)
    return loaded(stored.body) if stored is not None else None


def price(plan: Plan) -> dict[str, int]:
    """How many calls carrying the plan out takes at most, by system: reading again, and writing."""
    written = plan.written
    return {PAYMENTS_SYSTEM: FAILING_CALLS * written, plan.system: 2 * ceil(written / AT_ONCE)}


def _calls(here: Runtime) -> dict[str, int]:
    found = {PAYMENTS_SYSTEM: sum(here.stripe.calls.values())}
    for name, connector in here.crms.items():
        found[name] = sum(getattr(connector, "calls", {}).values())
    return found
