"""A policy at the command line: what it would change is seen first, and applied as seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mappings.policy_file import preset_text
from simulators.faults import Fault, Harm
from tests.journeys.test_backfill import filler
from tests.ops.desk import Desk, Said
from tests.world import build

HIGHER = ("value: 5000,", "value: 20000,")
NO_CSM = ("      - {signal: named_csm}\n", "")
START = ("    hold_start: intercept\n", "")
AWAY = Fault(harm=Harm.STATUS, status=503, method="GET", path="/v1/.*", times=None)


@pytest.fixture
def desk(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """A desk beside a world with two VIPs: the payment of one has failed, the other renews in ten
    days."""
    world = build(database_url, redis_url)
    world.vip("Aurelius Partners")
    world.vip("Borealis Freight", number="INV-2", renews_in=timedelta(days=10))
    world.hours(4)
    filler(world).run(again=True)
    world.settle()
    yield Desk(world, tmp_path, monkeypatch)
    world.close()


def mine(tmp_path: Path, *changes: tuple[str, str]) -> str:
    """The default policy with these changes, as a file."""
    text = preset_text("default")
    for right, wrong in changes:
        assert right in text
        text = text.replace(right, wrong, 1)
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return str(path)


def planned(desk: Desk, file: str, *words: str) -> dict[str, Any]:
    said = desk.type("policy", "plan", file, "--json", *words)
    assert said.code == 0, said.err
    found: dict[str, Any] = said.json
    return found


def applied(desk: Desk, what: str, *words: str) -> Said:
    return desk.type("policy", "apply", what, "-m", "why not", "--by", "ann", "--yes", *words)


def flat(text: str) -> str:
    """What was said, whatever the width of the screen."""
    return " ".join(text.split())


def versions(desk: Desk) -> list[str]:
    found = desk.type("policy", "history", "--json").json["versions"]
    return [f"policy@{one['version']}" for one in found]


# ---------------------------------------------------------------- plan


def test_a_plan_names_who_changes_tier_and_what_becomes_of_interceptions(
    desk: Desk, tmp_path: Path
) -> None:
    plan = planned(desk, mine(tmp_path, HIGHER, NO_CSM))

    assert [
        (one["name"], one["before"], one["after"], one["later"], one["interception"])
        for one in plan["accounts"]
    ] == [
        ("Aurelius Partners", "vip", "vip", "high", None),
        ("Borealis Freight", "vip", "high", "", "ends"),
    ]
    assert plan["tiers"] == [{"before": "vip", "after": "high", "accounts": 1}]
    assert plan["later"] == [{"before": "vip", "after": "high", "accounts": 1}]
    assert plan["vips"] == {"starts": 0, "ends": 1}
    assert plan["interceptions"] == {"starts": 0, "ends": 1}
    assert plan["holds"] == {"starts": 0, "ends": 0}
    assert (plan["looked_at"], plan["failed"], plan["base"]) == (2, 0, "policy:shipped")
    assert versions(desk) == []


def test_a_plan_says_which_holds_would_end_and_what_happens_then(
    desk: Desk, tmp_path: Path
) -> None:
    file = mine(tmp_path, ("automation: held", "automation: until_in_resolution"), START)
    before = desk.world.open_case(customer(desk))
    plan = planned(desk, file)
    on_screen = desk.type("policy", "plan", file).out

    applied(desk, plan["plan"])
    desk.world.runtime.reconcile.sweep_everybody()
    desk.world.settle()

    assert plan["holds"] == {"starts": 0, "ends": 1}
    assert plan["interceptions"] == {"starts": 0, "ends": 2}
    assert [one["hold"] for one in plan["accounts"]] == ["ends", None]
    assert "In open cases 0 holds would start and 1 would end." in flat(on_screen)
    assert (before.quieted_at is not None, before.tier) == (True, "vip")
    after = desk.world.open_case(customer(desk))
    assert (after.quieted_at, after.tier) == (None, "vip")


def test_the_policy_in_force_would_change_nothing(desk: Desk) -> None:
    plan = planned(desk, "default")
    said = desk.type("policy", "plan", "default")

    assert (plan["accounts"], plan["tiers"], plan["later"]) == ([], [], [])
    assert "No account would change tier, and no hold would start or end." in flat(said.out)


def test_a_plan_on_the_screen_ends_with_the_command_that_applies_it(
    desk: Desk, tmp_path: Path
) -> None:
    said = desk.type("policy", "plan", mine(tmp_path, HIGHER, NO_CSM), "--show", "1").out

    assert "2 accounts looked at, over policy:shipped." in said
    assert "  once its case has ended, tier vip -> high: " in said
    assert "and 1 more accounts; --show 2" in said
    assert "kidglove policy apply " in said


def test_a_look_at_a_part_is_not_kept_and_cannot_be_applied(desk: Desk, tmp_path: Path) -> None:
    plan = planned(desk, mine(tmp_path, HIGHER, NO_CSM), "--limit", "1")

    said = applied(desk, plan["plan"])

    assert (plan["looked_at"], plan["can_be_applied"]) == (1, False)
    assert (said.code, said.err.splitlines()[0]) == (1, f"there is no plan {plan['plan']}")


def test_a_broken_policy_is_not_planned(desk: Desk, tmp_path: Path) -> None:
    said = desk.type("policy", "plan", mine(tmp_path, ("automation: held", "automation: hold")))

    assert (said.code, "nothing was changed" in said.err) == (1, True)


def test_another_primary_crm_is_read_as_the_new_policy_would(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = build(database_url, redis_url, crms=("salesforce", "hubspot"))
    customer = world.customer(amount=90_000, renews_in=timedelta(days=10))
    for side, csm in zip(world.sides, (world.people["csm"], None), strict=True):
        side.add_account("Aurelius Partners", customer=customer, csm=csm)
    world.hours(1)
    filler(world).run(again=True)
    world.settle()
    desk = Desk(world, tmp_path, monkeypatch)

    plan = planned(desk, mine(tmp_path, ("package:", "crm: {primary: hubspot}\npackage:")))

    assert plan["tiers"] == [{"before": "vip", "after": "high", "accounts": 1}]
    assert plan["vips"] == {"starts": 0, "ends": 1}
    world.close()


# ---------------------------------------------------------------- apply


def test_exactly_the_plan_is_applied(desk: Desk, tmp_path: Path) -> None:
    plan = planned(desk, mine(tmp_path, HIGHER, NO_CSM))

    said = applied(desk, plan["plan"], "--json")
    again = applied(desk, plan["plan"])

    assert (said.json["applied"], said.json["plan"]) == ("policy@1", plan["plan"])
    assert "1 accounts would change tier: 1 from vip to high." in flat(said.err)
    assert (again.code, versions(desk)) == (0, ["policy@1"])
    assert "in force already, as policy@1" in again.err
    assert planned(desk, mine(tmp_path, HIGHER, NO_CSM))["accounts"] == []


def test_a_plan_that_no_longer_holds_is_refused_with_who_has_changed(
    desk: Desk, tmp_path: Path
) -> None:
    plan = planned(desk, mine(tmp_path, HIGHER, NO_CSM))
    record = next(r for r in desk.world.org.rows("Account") if r["Name"] == "Borealis Freight")
    desk.world.csm(str(record["Id"]), VIP_Override__c="Always personal")

    said = applied(desk, plan["plan"])

    assert said.code == 1
    assert "Borealis Freight" in said.err
    assert f"Plan {plan['plan']} does not hold any more; nothing was changed." in said.err
    assert versions(desk) == []


def test_a_plan_over_another_version_is_refused(desk: Desk, tmp_path: Path) -> None:
    plan = planned(desk, mine(tmp_path, HIGHER, NO_CSM))
    applied(desk, "hand-off")

    said = applied(desk, plan["plan"])

    assert (said.code, "policy@1 is in force now" in said.err) == (1, True)


def test_a_plan_made_while_stripe_is_away_is_not_applied(desk: Desk, tmp_path: Path) -> None:
    desk.world.stripe.faults.arm(AWAY)
    plan = planned(desk, mine(tmp_path, HIGHER, NO_CSM))

    said = applied(desk, plan["plan"])
    by_file = applied(desk, mine(tmp_path, HIGHER, NO_CSM))

    assert (plan["failed"], plan["accounts"]) == (2, [])
    assert (said.code, by_file.code) == (1, 0)
    assert "2 accounts could not be read" in said.err
    assert "2 accounts could not be read, so nobody knows what it does to them." in flat(
        by_file.err
    )


def test_a_file_is_applied_only_after_its_consequences_were_told(
    desk: Desk, tmp_path: Path
) -> None:
    said = desk.type("policy", "apply", mine(tmp_path, HIGHER, NO_CSM), "-m", "try")

    assert (said.code, versions(desk)) == (2, [])
    assert "1 accounts would change tier: 1 from vip to high." in flat(said.err)
    assert "1 accounts would change tier once their case has ended: 1 from vip to high." in flat(
        said.err
    )
    assert "Renewals of 0 accounts would be taken over, and of 1 no longer." in flat(said.err)


def test_a_rollback_says_what_it_changes_too(desk: Desk, tmp_path: Path) -> None:
    applied(desk, mine(tmp_path, HIGHER, NO_CSM))

    said = desk.type("policy", "rollback", "shipped", "-m", "too high")

    assert said.code == 2
    assert "1 accounts would change tier: 1 from high to vip." in flat(said.err)


def test_the_plan_of_a_policy_is_no_plan_of_a_mapping(desk: Desk, tmp_path: Path) -> None:
    plan = planned(desk, mine(tmp_path, HIGHER, NO_CSM))

    said = desk.type("mapping", "apply", plan["plan"], "-m", "oops", "--yes")

    assert (said.code, f"there is no plan {plan['plan']}" in said.err) == (1, True)


def customer(desk: Desk) -> str:
    """The customer whose payment has failed."""
    records = {r["Name"]: r for r in desk.world.org.rows("Account")}
    return str(records["Aurelius Partners"]["Stripe_Customer_Id__c"])
