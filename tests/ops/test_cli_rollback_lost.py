"""The way back where nobody knows whether a write arrived, and after a trial."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.effects import EffectKind, digest_of
from domain.leaf import Missing
from domain.rows import EffectState
from jobs.plans import kept, planner
from jobs.trials import trial_values, trials, try_record, undo_trial
from simulators.faults import Fault, Harm
from tests.journeys.test_fields_both_ways import customer_at_stripe
from tests.ops.desk import Desk
from tests.ops.test_cli_mapping import NEW_FIELD, applied, mine, planned
from tests.ops.test_cli_rollback import (
    ARR,
    PHONE,
    account,
    apply,
    back,
    customer,
    cut_off,
    edit,
    grant,
    of_fields,
    rest,
    rows,
)
from tests.world import build

ONE = rows("  - {constant: One, flow: ->, theirs: Description, wins: worker}\n")
TWO = rows("  - {constant: Two, flow: ->, theirs: Description, wins: worker}\n")


@pytest.fixture
def desk(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """A desk beside a world with one VIP whose payment has failed."""
    world = build(database_url, redis_url)
    world.vip("Aurelius Partners", Phone="+1 212 999")
    world.hours(4)
    yield Desk(world, tmp_path, monkeypatch)
    world.close()


def lose_answers(desk: Desk, harm: Harm = Harm.STATUS_AFTER) -> None:
    """From now on every write is answered with a 503, after it was carried out or before."""
    for method in ("PATCH", "POST"):
        desk.world.org.faults.arm(
            Fault(harm=harm, status=503, method=method, path="/services/data/.*", times=None)
        )


def lose_customer(desk: Desk, file: str) -> None:
    """The customer is written as this mapping wants, and nobody hears of it."""
    assert applied(desk, file, "--fill").code == 0
    # It is looked at, written, and cannot be read back.
    for method, harm, skip in (("POST", Harm.STATUS_AFTER, 0), ("GET", Harm.STATUS, 1)):
        path = "/v1/customers/.*"
        desk.world.stripe.faults.arm(
            Fault(harm=harm, status=503, method=method, path=path, skip=skip, times=None)
        )
    desk.world.settle()
    assert customer_at_stripe(desk.world, customer(desk))["phone"] == "+1 212 999"


def answer_again(desk: Desk) -> None:
    desk.world.org.faults.clear()
    desk.world.stripe.faults.clear()


def look_again(desk: Desk) -> None:
    desk.world.runtime.reconcile.sweep_everybody()
    desk.world.settle()


def tried(desk: Desk, file: str) -> str:
    """The plan of this file, tried on the one record."""
    here = desk.world.runtime
    stored = kept(here, planned(desk, file)["plan"])
    assert stored is not None
    who = desk.world.account(customer(desk))
    sight = planner(here).look("salesforce", stored.plan.text, who)
    assert not isinstance(sight, Missing)
    try_record(here, stored.plan, who, seen=digest_of(trial_values(sight)), by="ann")
    return file


# ---------------------------------------------------------------- lost answers


@pytest.mark.parametrize("is_looked_at", [False, True])
def test_a_write_whose_answer_was_lost_is_given_back(
    desk: Desk, tmp_path: Path, is_looked_at: bool
) -> None:
    grant(desk)
    lose_answers(desk)
    apply(desk, mine(tmp_path, *NEW_FIELD))
    assert account(desk)["Expansion_ARR__c"] == ARR
    answer_again(desk)
    if is_looked_at:
        look_again(desk)

    said = back(desk, "shipped")
    rest(desk)

    assert (said["fields"], said["left"]) == (1, 0)
    assert account(desk)["Expansion_ARR__c"] is None


def test_a_lost_value_is_not_taken_for_a_persons(desk: Desk, tmp_path: Path) -> None:
    edit(desk, Description="a person's")
    lose_answers(desk)
    apply(desk, mine(tmp_path, ONE))
    answer_again(desk)
    assert account(desk)["Description"] == "One"
    apply(desk, mine(tmp_path, TWO))
    assert account(desk)["Description"] == "Two"

    said = back(desk, "shipped")
    rest(desk)

    assert (said["fields"], said["left"]) == (1, 0)
    assert account(desk)["Description"] == "a person's"


def test_the_value_before_one_that_never_arrived_is_ours_still(desk: Desk, tmp_path: Path) -> None:
    edit(desk, Description="a person's")
    apply(desk, mine(tmp_path, ONE))
    lose_answers(desk, Harm.STATUS)
    apply(desk, mine(tmp_path, TWO))
    answer_again(desk)
    assert account(desk)["Description"] == "One"

    said = back(desk, "shipped")
    rest(desk)

    assert (said["fields"], said["left"]) == (1, 0)
    assert account(desk)["Description"] == "a person's"


def test_of_a_write_that_never_arrived_nothing_is_said(desk: Desk, tmp_path: Path) -> None:
    edit(desk, Description="a person's")
    lose_answers(desk, Harm.STATUS)
    apply(desk, mine(tmp_path, ONE))
    answer_again(desk)

    said = back(desk, "shipped")
    rest(desk)

    assert (said["fields"], said["left"]) == (0, 0)
    assert account(desk)["Description"] == "a person's"


def test_a_lost_answer_of_stripe_is_given_back_too(desk: Desk, tmp_path: Path) -> None:
    before = customer_at_stripe(desk.world, customer(desk))
    lose_customer(desk, mine(tmp_path, rows(PHONE)))
    answer_again(desk)

    back(desk, "shipped")
    rest(desk)

    assert customer_at_stripe(desk.world, customer(desk)) == before


@pytest.mark.req("R31")
def test_a_value_whose_answer_was_lost_can_be_explained(desk: Desk, tmp_path: Path) -> None:
    grant(desk)
    lose_answers(desk)
    apply(desk, mine(tmp_path, *NEW_FIELD))
    answer_again(desk)
    look_again(desk)

    said = desk.type("why", "salesforce", str(account(desk)["Id"]), "Expansion_ARR__c", "--json")

    assert [(one["value"], one["rule"]) for one in said.json] == [(ARR, "fields.project")]
    assert said.json[0]["cause"].endswith("(no answer came; it may have arrived)")


def test_a_value_of_ours_that_was_sent_again_by_a_person_is_no_strangers(
    desk: Desk, tmp_path: Path
) -> None:
    lose_customer(desk, mine(tmp_path, rows(PHONE)))
    (write,) = [
        one for one in of_fields(desk, *EffectState) if one.kind is EffectKind.WRITE_CUSTOMER
    ]
    with desk.world.runtime.store.begin() as tx:
        tx.effects.finish(write.id, EffectState.DEAD, now=desk.world.clock.now())
    answer_again(desk)
    assert desk.type("dead", "replay", str(write.id)).code == 0
    desk.world.settle()
    said = desk.type("why", "stripe", customer(desk), "phone", "--json")
    assert [one["value"] for one in said.json] == ["+1 212 999"]

    back(desk, "shipped")
    rest(desk)

    assert customer_at_stripe(desk.world, customer(desk))["phone"] is None


def test_a_write_to_stripe_that_fails_waits_for_its_next_try(desk: Desk, tmp_path: Path) -> None:
    post = Fault(harm=Harm.STATUS, status=503, method="POST", path="/v1/customers/.*", times=None)
    assert applied(desk, mine(tmp_path, rows(PHONE)), "--fill").code == 0
    desk.world.stripe.faults.arm(post)

    desk.world.settle()
    desk.world.hours(1)

    (write,) = of_fields(desk, EffectState.WAITING)
    assert 3 <= write.attempts <= 10
    desk.world.stripe.faults.clear()
    desk.world.hours(2)
    assert customer_at_stripe(desk.world, customer(desk))["phone"] == "+1 212 999"


# ---------------------------------------------------------------- after a trial


def test_what_a_trial_wrote_goes_with_the_version_that_it_was_for(
    desk: Desk, tmp_path: Path
) -> None:
    grant(desk)
    file = tried(desk, mine(tmp_path, *NEW_FIELD))
    desk.world.settle()
    assert account(desk)["Expansion_ARR__c"] == ARR
    apply(desk, file)

    said = back(desk, "shipped")
    rest(desk)

    assert (said["fields"], said["left"]) == (1, 0)
    assert account(desk)["Expansion_ARR__c"] is None


def test_a_trial_that_was_undone_is_not_undone_again(desk: Desk, tmp_path: Path) -> None:
    here, who = desk.world.runtime, desk.world.account(customer(desk))
    edit(desk, Description="a person's")
    file = tried(desk, mine(tmp_path, ONE))
    desk.world.settle()
    (trial,) = trials(here, "salesforce", who)
    undo_trial(here, "salesforce", who, trial.id, by="ann")
    desk.world.settle()
    edit(desk, Description="another's")
    apply(desk, file)
    assert account(desk)["Description"] == "One"

    back(desk, "shipped")
    rest(desk)

    assert account(desk)["Description"] == "another's"


def test_a_trial_before_the_version_that_is_gone_back_to_stays(desk: Desk, tmp_path: Path) -> None:
    file = tried(desk, mine(tmp_path, ONE))
    desk.world.settle()
    desk.world.hours(1)
    apply(desk, file)
    apply(desk, mine(tmp_path, TWO))
    assert account(desk)["Description"] == "Two"

    back(desk, "1")
    rest(desk)

    assert account(desk)["Description"] == "One"


def test_a_trial_that_waits_ends_with_the_version_that_comes_into_force(
    desk: Desk, tmp_path: Path
) -> None:
    cut_off(desk)
    tried(desk, mine(tmp_path, ONE))
    assert [one.kind for one in of_fields(desk, EffectState.WAITING)] == [EffectKind.WRITE_FIELDS]

    apply(desk, mine(tmp_path))
    rest(desk)

    assert account(desk)["Description"] is None
