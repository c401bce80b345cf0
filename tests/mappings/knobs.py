"""Every knob of the two kinds of file, read from their schemas; and what a policy leads to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from domain.facts import PaymentPicture, Person, Role, VipOverride
from domain.leaf import Known
from domain.policy import Policy
from mappings.json_schema import FILES
from tests.unit.desk import FELIX, INES, Desk, usd
from tests.unit.slim import Slim

Node = Mapping[str, Any]


def knobs(kind: str) -> list[str]:
    """The dotted names of everything that a file of this kind may say."""
    schema = FILES[f"{kind}.schema.json"].model_json_schema(by_alias=True)
    return list(dict.fromkeys(_walk(schema, schema, ())))


def _walk(schema: Node, node: Node, path: tuple[str, ...]) -> Iterator[str]:
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    deeper = [*node.get("oneOf", ()), *node.get("anyOf", ())]
    deeper += [one for one in (node.get("items"), node.get("additionalProperties")) if one]
    found = [name for one in deeper if isinstance(one, dict) for name in _walk(schema, one, path)]
    for name, one in node.get("properties", {}).items():
        below = list(_walk(schema, one, (*path, name)))
        found += below or [".".join((*path, name))]
    yield from found


# ---------------------------------------------------------------- what a policy does

NOWHERE = Person(id="005N", name="Noa Nowhere", zone=None)
FEW = {Role.OWNER: FELIX, Role.MANAGER: INES}
EUROS = {"mrr_t3m": replace(usd("480"), currency="eur")}


@dataclass
class Account(Desk):
    """An account of which the payment system says more."""

    more: dict[str, Any] = field(default_factory=dict)

    def picture(self) -> PaymentPicture:
        """What the payment system says now."""
        return replace(super().picture(), **self.more)


def story(policy: Policy) -> str:
    """Everything that follows within weeks for accounts of many kinds, in one text."""
    return "\n".join(_story(policy))


def _story(policy: Policy) -> Iterator[str]:
    for mrr, days in (("10000", 6), ("1000", 10), ("10", 5)):
        yield _told(Account(policy=policy, mrr=mrr, people=FEW).fails().wait(days=days))
    yield _told(Account(policy=policy, mrr="10000", people={Role.OWNER: NOWHERE}).fails())
    signals: tuple[dict[str, Any], ...] = (
        {"more": {"attributes": {"vip": "true", "gold": "yes"}}},
        {"crm_parts": {"seats": Known(150, "crm")}},
        {"crm_parts": {"override": VipOverride.ALWAYS}},
        {"more": {"mrr_t3m": usd("10"), "mrr_now": usd("9000")}},
        {"more": EUROS},
        {"mrr": "10000", "more": {"country": "IN"}},
    )
    for one in signals:
        yield _told(Account(**{"policy": policy, "mrr": "10", "people": FEW, **one}).fails())
    yield _told(_planned(Account(policy=policy, mrr="10", people=FEW)))
    yield _told(_dated(Account(policy=policy, mrr="10000", people=FEW)))
    held = Account(policy=policy, people=FEW).fails()
    held.person_resolves()
    yield _told(held.look().wait(days=16))
    turned = Account(policy=policy, mrr="10000", people=FEW).fails()
    turned.invoices = [replace(one, advances=True) for one in turned.invoices]
    yield _told(turned.wait(hours=20))
    yield from _renewals(policy)


def _planned(account: Account) -> Desk:
    account.subscription = replace(account.subscription, plan="team")
    return account.fails()


def _dated(account: Account) -> Desk:
    now = account.now
    account.crm_parts = {
        "health": Known("62", "crm", now - timedelta(days=10)),
        "renewal_call": Known(date(2026, 12, 30), "crm"),
    }
    return account.fails()


def _renewals(policy: Policy) -> Iterator[str]:
    """A renewal that is taken over; one for which nobody was there in time."""
    for away in (0, 30):
        world = Slim(policy=policy)
        world.renew()
        world.run()
        if away:
            world.pass_time(timedelta(hours=away), running=False)
            world.run()
        world.days(2)
        yield repr((world.charges, world.mails, [_effect(one) for one in world.sent]))


def _told(account: Desk) -> str:
    tier = account.case.tier if account.case else None
    return repr(
        (tier, account.told, account.alerts, account.timers, [_effect(one) for one in account.sent])
    )


def _effect(one: Any) -> object:
    return one.kind, one.subject, dict(one.body)
