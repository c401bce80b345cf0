"""Going back to a mapping says first what becomes of the holds of open cases."""

from __future__ import annotations

from pathlib import Path

from simulators.faults import Fault, Harm
from tests.ops.desk import Desk, Said
from tests.ops.test_cli_mapping import mine
from tests.ops.test_cli_rollback import apply, back, customer, edit, rest
from tests.ops.test_cli_rollback import desk as desk  # the fixture


def flat(said: Said) -> str:
    """What was said, whatever the width of the screen."""
    return " ".join(said.err.split())


def held_by_description(desk: Desk, tmp_path: Path) -> None:
    """A mapping by which the description holds a case is in force, and the CSM has used it."""
    apply(desk, mine(tmp_path, ("  field: Dunning_Status__c", "  field: Description")))
    edit(desk, Description="In Resolution")
    desk.world.runtime.reconcile.sweep_everybody()
    desk.world.settle()
    assert desk.world.open_case(customer(desk)).word is not None


def test_a_way_back_says_first_which_holds_would_start_and_end(desk: Desk, tmp_path: Path) -> None:
    held_by_description(desk, tmp_path)

    asked = desk.type("mapping", "rollback", "shipped", "-m", "wrong field")
    said = back(desk, "shipped")
    rest(desk)

    assert asked.code == 2
    assert "In open cases 0 holds would start and 1 would end." in flat(asked)
    assert (said["holds"], said["failed"]) == ({"starts": 0, "ends": 1}, 0)
    assert desk.world.open_case(customer(desk)).word is None


def test_a_way_back_says_which_open_cases_it_could_not_look_at(desk: Desk, tmp_path: Path) -> None:
    held_by_description(desk, tmp_path)
    desk.world.stripe.faults.arm(
        Fault(harm=Harm.STATUS, status=503, method="GET", path="/v1/.*", times=None)
    )

    asked = desk.type("mapping", "rollback", "shipped", "-m", "wrong field")

    assert asked.code == 2
    assert "1 accounts could not be read, so nobody knows what it does to them." in flat(asked)


def test_a_way_back_that_touches_no_hold_says_nothing_of_holds(desk: Desk, tmp_path: Path) -> None:
    apply(desk, mine(tmp_path, ("failed: Payment failed", "failed: Past due")))

    asked = desk.type("mapping", "rollback", "shipped", "-m", "wrong word")

    assert (asked.code, "hold" in asked.err) == (2, False)
