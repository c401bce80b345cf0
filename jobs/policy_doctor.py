"""A policy held against what is connected: who can be called, and what its tiers can count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import sqlalchemy as sa

from domain.facts import Role
from domain.money import KNOWN, Money
from domain.policy import AttributeIs, Policy, Signal, SignalIs, Threshold
from domain.ports import Finding, Health
from domain.tiers import worth
from jobs.crms import CRMS
from mappings.mapping import FieldMapping

if TYPE_CHECKING:
    from jobs.runtime import Runtime

CURRENCIES = sa.text(
    """
    SELECT currency, count(DISTINCT account_id) AS customers FROM (
      SELECT account_id, picture->'mrr_now'->>'currency' AS currency
        FROM facts WHERE source = 'payments'
      UNION ALL
      SELECT account_id, jsonb_array_elements(picture->'invoices')->'remaining'->>'currency'
        FROM facts WHERE source = 'payments'
    ) AS seen WHERE currency IS NOT NULL GROUP BY currency ORDER BY currency
    """
)
"""In which currencies the customers pay, as they were last read."""
ATTRIBUTE = sa.text(
    "SELECT count(*) FROM facts WHERE source = 'payments' "
    "AND jsonb_exists(picture->'attributes', :name)"
)
OWNERS = (Role.CSM, Role.OWNER, Role.ESCALATION)
"""The people of whom one makes an owner that is named."""
NEEDS = {Signal.NAMED_CSM: (Role.CSM,), Signal.NAMED_OWNER: OWNERS}
"""Which people a signal asks for."""


def examine_policy(here: Runtime, policy: Policy) -> list[Finding]:
    """Every finding about this policy. Calls no vendor, and changes nothing."""
    with here.store.begin() as tx:
        mappings = here.configs.current(tx, here.clock.now()).mappings
        currencies = {
            row.currency: row.customers for row in tx.connection.execute(CURRENCIES).all()
        }
        unused = [
            name
            for name in sorted(_attributes(policy))
            if not tx.connection.execute(ATTRIBUTE, {"name": name}).scalar_one()
        ]
    connected = {name: mappings[name] for name in here.crms}
    return [
        _primary(policy, list(connected)),
        *_people(policy, connected),
        *_signals(policy, connected),
        *_rates(policy, currencies),
        *(_unused(name) for name in unused),
    ]


def _primary(policy: Policy, connected: list[str]) -> Finding:
    wanted = policy.crm.primary
    if not connected:
        return _wrong(
            "crm.primary",
            "no CRM is connected, so nobody gets a task about a failed payment",
            f"Set {' or '.join(one.switch for one in CRMS.values())}.",
        )
    if wanted is not None and wanted not in connected:
        return _wrong(
            "crm.primary",
            f"{CRMS[wanted].title} has the tasks, and it is not connected",
            f"Set {CRMS[wanted].switch}, or name another: {', '.join(connected)}.",
        )
    title = CRMS[wanted or connected[0]].title
    said = "has the tasks" if wanted else "has the tasks, as the first that is connected"
    return _ok("crm.primary", f"{title} {said}")


def _people(policy: Policy, connected: Mapping[str, FieldMapping]) -> Iterator[Finding]:
    """Whether everybody in the chain stands in a field of each CRM."""
    for system, mapping in connected.items():
        check = f"escalation.{system}"
        lost = [role for role in policy.escalation if role not in _mapped(mapping)]
        if lost:
            yield _wrong(
                check,
                f"the mapping of {CRMS[system].title} says nowhere who is {' or '.join(lost)}",
                "Map it under `people`, or take it out of `escalation`.",
            )
        else:
            yield _ok(check, f"{CRMS[system].title} knows {', '.join(policy.escalation)}")


def _signals(policy: Policy, connected: Mapping[str, FieldMapping]) -> Iterator[Finding]:
    """Whether what a tier looks for stands in a field of each CRM."""
    for tier in policy.tiers:
        for one in tier.any_of:
            if not isinstance(one, SignalIs):
                continue
            for system, mapping in connected.items():
                check, title = f"tier.{tier.name}.{one.signal}.{system}", CRMS[system].title
                roles = NEEDS.get(one.signal, ())
                if roles and not any(role in mapping.people for role in roles):
                    yield _wrong(
                        check,
                        f"the mapping of {title} has no {' or '.join(roles)}, so this never holds",
                        "Map it under `people`, or take the condition out.",
                    )
                elif one.signal is Signal.ENTITIES and mapping.context.entities is None:
                    yield _wrong(
                        check,
                        f"the mapping of {title} has no field for entities, so this never holds",
                        "Map `entities` under `context`, or take the condition out.",
                    )
                elif one.signal is Signal.SEATS and mapping.context.seats is None:
                    yield Finding(
                        check=check,
                        health=Health.UNKNOWN,
                        detail=f"the mapping of {title} has no field for seats: only those that "
                        "are billed are counted",
                        remedy="Map `seats` under `context`, if people count them there.",
                    )


def _rates(policy: Policy, currencies: Mapping[str, int]) -> Iterator[Finding]:
    """Whether the amounts of every customer can be compared with the lines."""
    lines = [one for tier in policy.tiers for one in tier.any_of if isinstance(one, Threshold)]
    if not lines:
        return
    fine = True
    for currency, customers in currencies.items():
        if currency in KNOWN and worth(Money(0, currency), policy) is not None:
            continue
        fine = False
        yield _wrong(
            f"rates.{currency}",
            f"{customers} customers pay in {currency.upper()}, for which there is no rate: each "
            "counts as above every line",
            f"Add {currency} under `rates`, with the date of the table.",
        )
    if fine:
        known = ", ".join(one.upper() for one in currencies) or "nothing yet"
        yield _ok("rates", f"the customers pay in {known}, which can be compared with the lines")


def _unused(name: str) -> Finding:
    return Finding(
        check=f"attribute.{name}",
        health=Health.UNKNOWN,
        detail=f"no customer that was read has the attribute {name!r}",
        remedy="Look whether it is spelt like this in the payment system.",
    )


def _attributes(policy: Policy) -> set[str]:
    conditions = [one for tier in policy.tiers for one in tier.any_of]
    return {one.name for one in conditions if isinstance(one, AttributeIs)}


def _mapped(mapping: FieldMapping) -> set[Role]:
    """Who can be known there; the last recipient stands in the settings."""
    return {*mapping.people, Role.FALLBACK}


def _ok(check: str, detail: str) -> Finding:
    return Finding(check=check, health=Health.OK, detail=detail)


def _wrong(check: str, detail: str, remedy: str) -> Finding:
    return Finding(check=check, health=Health.WRONG, detail=detail, remedy=remedy)
