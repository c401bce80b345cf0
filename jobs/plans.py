"""Plans of mappings over the wiring: made, kept, priced, held against the present."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import TYPE_CHECKING

from domain.described import DescribedField, Describes
from domain.merge import Flow
from jobs.crms import CRMS
from jobs.runtime import NAMES, PAYMENTS_SYSTEM
from sync.configs import POLICY, mapping_name
from sync.planned import Plan, loaded
from sync.planning import Planner

if TYPE_CHECKING:
    from jobs.runtime import Runtime

FAILING_CALLS = 3
"""Calls that reading a customer with a failing invoice takes; where all is well, one fewer."""
CUSTOMER_WRITE_CALLS = 3
"""Calls of one write on a customer: read, write, read back. Notes and details travel apart."""
AT_ONCE = 100
"""Accounts that one bulk job reads together."""


def make_plan(
    here: Runtime,
    system: str,
    text: str,
    *,
    limit: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Plan:
    """The plan for this text as of now. Writes nothing, in no system."""
    return planner(here).plan(
        system,
        text,
        base=base_of(here, system),
        described=described(here, system, text),
        limit=limit,
        progress=progress,
    )


def planner(here: Runtime) -> Planner:
    """What looks at live records, over this wiring."""
    return Planner(
        store=here.store,
        refresh=here.refresh,
        configs=here.configs,
        clock=here.clock,
        names=NAMES,
        calls=lambda: calls_so_far(here),
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
    """Store the plan, so that somebody else can look at it and apply it.

    Whoever made it first stays its author, however often it is made again.
    """
    with here.store.begin() as tx:
        tx.plans.keep(
            plan.id,
            name=mapping_name(plan.system),
            body=asdict(plan),
            author=by,
            now=here.clock.now(),
        )


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A stored plan: who made it first, and the version that it became, if it was applied."""

    plan: Plan
    author: str
    applied_as: str | None = None


def kept(here: Runtime, id: str) -> Kept | None:
    """The stored plan of this id, or None; that of a policy is none."""
    with here.store.begin() as tx:
        stored = tx.plans.get(id)
    if stored is None or stored.name == POLICY:
        return None
    return Kept(plan=loaded(stored.body), author=stored.author, applied_as=stored.applied_as)


def look_price(system: str, accounts: int) -> dict[str, int]:
    """How many calls a look at so many accounts takes at most, by system."""
    return {PAYMENTS_SYSTEM: FAILING_CALLS * accounts, system: _looks(system, accounts)}


def price(plan: Plan) -> dict[str, int]:
    """How many calls carrying the plan out takes at most, by system: reading again, writing, and
    reading a third time those whose customer was written."""
    written = [one for one in plan.records if one.is_written]
    customers = [found for one in written if (found := len(_parts(one.written_names)))]
    return _price([plan.system], len(written), customers)


def fill_price(here: Runtime, customers: int) -> dict[str, int]:
    """How many calls bringing in so many customers takes at most, if every value of each has to be
    written: by the mappings in force."""
    with here.store.begin() as tx:
        mappings = here.configs.current(tx, here.clock.now()).mappings
    rows = [row for name in here.crms for row in mappings[name].rows if row.flow is not Flow.OUT]
    parts = len(_parts({row.ours or "" for row in rows}))
    return _price(list(here.crms), customers, [parts] * customers if parts else [])


def calls_so_far(here: Runtime) -> dict[str, int]:
    """How many calls this process has made, by system."""
    found = {PAYMENTS_SYSTEM: sum(here.stripe.calls.values())}
    for name, connector in here.crms.items():
        found[name] = sum(getattr(connector, "calls", {}).values())
    return found


def _price(systems: Sequence[str], written: int, customers: Sequence[int]) -> dict[str, int]:
    """`customers` are those that are written to, each with how many writes that takes."""
    payments = FAILING_CALLS * (written + len(customers)) + CUSTOMER_WRITE_CALLS * sum(customers)
    crms = {
        name: _looks(name, written)
        + _looks(name, len(customers))
        + CRMS[name].calls_per_write * ceil(written / CRMS[name].records_per_write)
        for name in systems
    }
    return {PAYMENTS_SYSTEM: payments, **crms}


def _looks(system: str, accounts: int) -> int:
    return CRMS[system].calls_per_look * ceil(accounts / AT_ONCE)


def _parts(names: Collection[str]) -> set[str]:
    """Which of the two parts of a customer these fields are in: its own details, and our notes."""
    heads = {name.partition(".")[0] for name in names if "." in name}
    return heads & {"customer", "account"}
