"""Who is a VIP, on whole worlds: the lines of the presets, each signal, and a person's own word."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from domain.case import Case
from mappings.policy_file import preset_text
from tests.journeys.hands import customer, kept
from tests.world import World, build

Worlds = Callable[[str], World]
SIGNALS = """
policy: signals
version: 1
self_serve_plans: [Plan]
tiers:
  - name: vip
    vip: true
    any_of:
      - {metric: invoice_amount, op: ">=", value: 1000, currency: usd}
      - {attribute: segment, is: strategic}
      - {signal: flag}
      - {signal: named_csm}
      - {signal: seats, at_least: 50}
      - {signal: not_self_serve}
    automation: held
    hold_start: intercept
    handoff: {at: day 0, task: call, due: 1 working day, high_priority: true}
    snooze: 4 working hours
    window_days: no automatic end
  - name: rest
    automation: parallel
    handoff: {at: never}
"""


@pytest.fixture
def worlds(database_url: str, redis_url: str) -> Iterator[Worlds]:
    """Makes the world of a test under a preset."""
    made: list[World] = []

    def make(policy: str) -> World:
        made.append(build(database_url, redis_url, policy=policy))
        return made[-1]

    yield make
    for world in made:
        world.close()


def tier(world: World, customer: str) -> str:
    return world.open_case(customer).tier


def is_held(world: World, customer: str) -> bool:
    """Whether Stripe leaves this customer's open invoices alone."""
    open_ = world.stripe.invoices(customer, "open")
    assert open_
    return all(invoice["auto_advance"] is False for invoice in open_)


@pytest.mark.req("R28")
def test_revops_sop_holds_what_is_strictly_above_five_thousand(worlds: Worlds) -> None:
    world = worlds("revops-sop")
    at_the_line, _ = customer(world, "Exactly Inc", mrr=500_000)
    above, _ = customer(world, "A Cent More Inc", mrr=500_001)

    world.hours(4)

    assert (tier(world, at_the_line), is_held(world, at_the_line)) == ("automated", False)
    assert (tier(world, above), is_held(world, above)) == ("vip", True)


@pytest.mark.req("R30")
def test_sequence_gives_five_hundred_a_month_personal_attention(worlds: Worlds) -> None:
    world = worlds("sequence")
    at_the_line, with_task = customer(world, "Exactly Inc", mrr=50_000)
    below, without = customer(world, "A Cent Less Inc", mrr=49_999)

    world.hours(4)

    assert (tier(world, at_the_line), tier(world, below)) == ("high", "mid")
    assert world.task(with_task)["TaskSubtype"] == "Call"
    assert world.tasks(without) == []


@pytest.mark.req("R27")
@pytest.mark.req("R32", partly="entities, which are not mapped here, stand with the tiers")
@pytest.mark.req("R33")
def test_each_signal_makes_a_vip_and_is_named_and_a_persons_word_beats_them_all(
    worlds: Worlds,
) -> None:
    world = worlds("default")
    world.runtime.actions.apply_config("policy", SIGNALS, by="Rita", note="signals")
    found = {
        "amount": customer(world, "Amount Inc", mrr=100_000),
        "attribute": customer(world, "Chosen Inc", mrr=900, metadata={"segment": "strategic"}),
        "flag": customer(world, "Flagged Inc", mrr=900, metadata={"vip": "true"}),
        "csm": customer(world, "Known Inc", mrr=900, details={"csm": world.people["csm"]}),
        "seats": customer(world, "Crowded Inc", mrr=10, quantity=60),
        "plan": customer(world, "Custom Inc", mrr=900, product="Enterprise"),
        "none": customer(world, "Little Shop", mrr=900),
        "always": customer(world, "Friend", mrr=900, details={"override": "always"}),
        "never": customer(world, "Quiet", mrr=100_000, details={"override": "never"}),
    }

    world.hours(4)

    cases: dict[str, Case] = {name: world.open_case(one) for name, (one, _) in found.items()}
    assert {name for name, case in cases.items() if case.tier == "vip"} == {
        "amount", "attribute", "flag", "csm", "seats", "plan", "always",
    }  # fmt: skip
    assert {name: case.tier_reasons[0] for name, case in cases.items()} == {
        "amount": f"invoice {_number(world, found['amount'][0])}, $1,000, is at least $1,000",
        "attribute": "the payment system's attribute segment is strategic",
        "flag": "flagged as VIP in the payment system",
        "csm": "has a named CSM",
        "seats": "60 seats, at least 50",
        "plan": "is on Enterprise, which is not a self-serve plan",
        "none": "no other tier takes this account",
        "always": "a person marked this account in the CRM as always personal",
        "never": "a person marked this account in the CRM as never VIP",
    }
    assert any("would be vip: invoice" in one for one in cases["never"].tier_reasons)
    assert {name for name, (_, account) in found.items() if world.tasks(account)} == {
        name for name, case in cases.items() if case.tier == "vip"
    }
    assert not is_held(world, found["never"][0])
    assert kept(world, found["none"][0]) == []


@pytest.mark.req("R27")
def test_another_line_takes_effect_with_the_next_event(worlds: Worlds) -> None:
    world = worlds("default")
    made, account = customer(world, "Northgate Capital", mrr=40_000)
    world.hours(4)
    assert tier(world, made) == "mid"
    assert world.tasks(account) == []

    lower = preset_text("default").replace("value: 5000", "value: 300")
    world.runtime.actions.apply_config("policy", lower, by="Rita", note="more of them")
    world.stripe.dashboard_update_invoice(
        world.open_case(made).invoices[0], metadata={"seen": "by a colleague"}
    )
    world.settle()

    assert tier(world, made) == "vip"
    assert is_held(world, made)
    assert world.task(account)["Priority"] == "High"


def _number(world: World, customer: str) -> str:
    return str(world.stripe.invoices(customer, "open")[0]["number"])
