"""The way back from a mapping: what still waits, what was parked, and what stood there before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from domain.effects import EffectKind
from domain.rows import EffectState, StoredEffect
from sync.checkpoints import Checkpoint, arm, disarm
from tests.journeys.test_fields_both_ways import customer_at_stripe, notes
from tests.ops.desk import Desk
from tests.ops.test_cli_mapping import NEW_FIELD, accounts, applied, mine, planned
from tests.world import build

FIELDS = (EffectKind.WRITE_FIELDS, EffectKind.WRITE_CUSTOMER)
ARR = pytest.approx(170_400)
PHONE = "  - {ours: customer.phone, flow: <-, theirs: Phone, wins: crm}\n"
TIER = "  - {ours: account.tier, flow: <-, theirs: CS_Tier__c, wins: crm}\n"
HUMAN_ARR = (
    ("theirs: Stripe_ARR__c, wins: stripe", "theirs: Expansion_ARR__c, wins: human"),
    ("  expansion: Expansion_ARR__c\n", ""),
)


@pytest.fixture
def desk(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """A desk beside a world with one VIP whose payment has failed."""
    world = build(database_url, redis_url)
    world.vip("Aurelius Partners", Phone="+1 212 999", CS_Tier__c="Gold")
    world.hours(4)
    yield Desk(world, tmp_path, monkeypatch)
    disarm()
    world.close()


def rows(*more: str) -> tuple[str, str]:
    """These rows more."""
    return "\nrows:\n", "\nrows:\n" + "".join(more)


def constant(wins: str) -> tuple[str, str]:
    return rows(f"  - {{constant: Kidglove, flow: ->, theirs: Description, wins: {wins}}}\n")


def account(desk: Desk) -> dict[str, Any]:
    (found,) = accounts(desk)
    return found


def customer(desk: Desk) -> str:
    return str(account(desk)["Stripe_Customer_Id__c"])


def edit(desk: Desk, **fields: Any) -> None:
    desk.world.csm(str(account(desk)["Id"]), **fields)


def grant(desk: Desk) -> None:
    """The admin lets us write the field that people use for the expansion."""
    desk.world.org.grant_edit("Account", "Expansion_ARR__c")


def apply(desk: Desk, file: str) -> None:
    """The mapping of this file comes into force, and the records follow."""
    assert applied(desk, file, "--fill").code == 0
    desk.world.settle()


def cut_off(desk: Desk, system: str = "salesforce") -> None:
    """Nothing can be delivered there for some minutes."""
    with desk.world.runtime.store.begin() as tx:
        tx.system.open_circuit(system, reason="401", now=desk.world.clock.now())


def back(desk: Desk, version: str) -> dict[str, Any]:
    said = desk.type("mapping", "rollback", version, "-m", "wrong field", "--yes", "--json")
    assert said.code == 0, said.err
    found: dict[str, Any] = said.json
    return found


def back_at(desk: Desk, checkpoint: Checkpoint) -> None:
    """Go back at the moment at which a worker is next here."""

    def go() -> None:
        disarm()
        back(desk, "shipped")

    arm(checkpoint, go)


def rest(desk: Desk) -> None:
    """Everything that waits is sent, and everybody is looked at once more."""
    desk.world.settle()
    desk.world.advance(timedelta(minutes=12))
    desk.world.runtime.reconcile.sweep_everybody()
    desk.world.settle()


def of_fields(desk: Desk, *states: EffectState) -> list[StoredEffect]:
    """The writes of fields in these states."""
    world = desk.world
    with world.runtime.store.begin() as tx:
        found = tx.effects.of_account(world.account(customer(desk)))
    return [one for one in found if one.kind in FIELDS and one.state in states]


# ---------------------------------------------------------------- what still waits


def test_what_still_waits_under_the_wrong_mapping_is_never_written(
    desk: Desk, tmp_path: Path
) -> None:
    grant(desk)
    cut_off(desk)
    apply(desk, mine(tmp_path, *NEW_FIELD))
    assert [one.state for one in of_fields(desk, EffectState.WAITING)] == ["waiting"]

    said = back(desk, "shipped")
    rest(desk)

    assert said == {
        "applied": "mapping:salesforce@2",
        "fields": 0,
        "records": 0,
        "left": 0,
        "holds": {"starts": 0, "ends": 0},
        "failed": 0,
    }
    assert account(desk)["Expansion_ARR__c"] is None


def test_what_waits_for_stripe_is_never_written_either(desk: Desk, tmp_path: Path) -> None:
    cut_off(desk, "stripe")
    apply(desk, mine(tmp_path, rows(PHONE)))
    assert [one.kind for one in of_fields(desk, EffectState.WAITING)] == ["write_customer"]

    back(desk, "shipped")
    rest(desk)

    assert customer_at_stripe(desk.world, customer(desk))["phone"] is None


def test_what_is_wanted_still_is_asked_for_anew(desk: Desk, tmp_path: Path) -> None:
    edit(desk, Payment_Status__c="Current")
    cut_off(desk)
    apply(desk, mine(tmp_path, *NEW_FIELD))

    back(desk, "shipped")
    desk.world.settle()
    desk.world.advance(timedelta(minutes=12))

    assert account(desk)["Payment_Status__c"] == "Payment failed"


def test_a_write_that_was_under_way_is_given_back_whatever_became_of_it(
    desk: Desk, tmp_path: Path
) -> None:
    grant(desk)
    back_at(desk, Checkpoint.EFFECT_SENT)
    apply(desk, mine(tmp_path, *NEW_FIELD))
    assert account(desk)["Expansion_ARR__c"] == ARR
    with desk.world.runtime.store.begin() as tx:
        tx.connection.exec_driver_sql("UPDATE lanes SET lease_until = now() WHERE owner <> ''")

    rest(desk)

    assert account(desk)["Expansion_ARR__c"] is None


def test_an_account_that_was_being_judged_by_the_wrong_mapping_is_judged_again(
    desk: Desk, tmp_path: Path
) -> None:
    grant(desk)
    back_at(desk, Checkpoint.DECIDED)
    apply(desk, mine(tmp_path, *NEW_FIELD))

    rest(desk)

    assert account(desk)["Expansion_ARR__c"] is None


def test_what_was_written_while_the_person_read_the_question_is_given_back_too(
    desk: Desk, tmp_path: Path
) -> None:
    from jobs.versions import go_back, way_back

    grant(desk)
    assert applied(desk, mine(tmp_path, *NEW_FIELD), "--fill").code == 0
    way = way_back(desk.world.runtime, "salesforce", 0)
    desk.world.settle()
    assert (way.given, account(desk)["Expansion_ARR__c"]) == ((), ARR)

    go_back(desk.world.runtime, way, note="wrong field", by="ann")
    desk.world.settle()

    assert account(desk)["Expansion_ARR__c"] is None


def test_a_way_back_that_breaks_off_has_done_nothing(desk: Desk, tmp_path: Path) -> None:
    from jobs.versions import go_back, in_force, way_back

    grant(desk)
    apply(desk, mine(tmp_path, *NEW_FIELD))
    runtime = desk.world.runtime
    way = way_back(runtime, "salesforce", 0)
    with runtime.store.begin() as tx:
        tx.connection.exec_driver_sql(
            "ALTER TABLE effects ADD CONSTRAINT nothing_back CHECK (rule <> 'mapping.rollback')"
        )

    with pytest.raises(IntegrityError):
        go_back(runtime, way, note="wrong field", by="ann")

    assert in_force(runtime, "salesforce").label == "mapping:salesforce@1"


# ---------------------------------------------------------------- what was parked


def test_a_parked_write_of_a_row_that_was_taken_out_is_never_sent(
    desk: Desk, tmp_path: Path
) -> None:
    apply(desk, mine(tmp_path, *NEW_FIELD))
    rest(desk)
    assert len(of_fields(desk, EffectState.PARKED)) == 1
    grant(desk)

    apply(desk, mine(tmp_path))
    rest(desk)

    assert account(desk)["Expansion_ARR__c"] is None
    assert of_fields(desk, EffectState.PARKED, EffectState.WAITING) == []


def test_a_corrected_word_is_sent_and_not_the_old_one_again(desk: Desk, tmp_path: Path) -> None:
    wrong = ("failed: Payment failed", "failed: Oh no")
    apply(desk, mine(tmp_path, wrong))
    rest(desk)
    assert len(of_fields(desk, EffectState.PARKED)) == 1

    assert applied(desk, mine(tmp_path, (wrong[0], "failed: Past due")), "--no-fill").code == 0
    desk.world.settle()

    assert account(desk)["Payment_Status__c"] == "Past due"
    assert of_fields(desk, EffectState.PARKED) == []


def test_a_policy_sends_no_field_again(desk: Desk, tmp_path: Path) -> None:
    apply(desk, mine(tmp_path, *NEW_FIELD))
    rest(desk)
    (parked,) = of_fields(desk, EffectState.PARKED)
    grant(desk)

    desk.world.runtime.actions.apply_config("policy", "preset: strict", by="ann", note="x")

    assert [one.id for one in of_fields(desk, EffectState.PARKED)] == [parked.id]


# ---------------------------------------------------------------- who wins


def test_what_a_person_wrote_comes_back_where_only_another_winner_took_it(
    desk: Desk, tmp_path: Path
) -> None:
    edit(desk, Description="what a person wrote")
    apply(desk, mine(tmp_path, constant("if_blank")))
    apply(desk, mine(tmp_path, constant("worker")))
    assert account(desk)["Description"] == "Kidglove"

    assert back(desk, "1")["fields"] == 1
    rest(desk)

    assert account(desk)["Description"] == "what a person wrote"


def test_the_last_value_of_a_person_comes_back_and_not_the_first(
    desk: Desk, tmp_path: Path
) -> None:
    edit(desk, Description="first")
    apply(desk, mine(tmp_path, constant("worker")))
    edit(desk, Description="last")
    desk.world.runtime.reconcile.sweep_everybody()
    desk.world.settle()
    assert account(desk)["Description"] == "Kidglove"

    back(desk, "shipped")
    rest(desk)

    assert account(desk)["Description"] == "last"


def test_a_row_that_heeds_people_fills_again_after_a_way_back(desk: Desk, tmp_path: Path) -> None:
    grant(desk)
    file = mine(tmp_path, *HUMAN_ARR)
    apply(desk, file)
    back(desk, "shipped")
    rest(desk)
    assert account(desk)["Expansion_ARR__c"] is None

    apply(desk, file)

    assert account(desk)["Expansion_ARR__c"] == ARR


def test_a_row_that_asks_asks_nobody_about_what_was_given_back(desk: Desk, tmp_path: Path) -> None:
    grant(desk)
    file = mine(tmp_path, (HUMAN_ARR[0][0], HUMAN_ARR[0][1].replace("human", "ask")), HUMAN_ARR[1])
    apply(desk, file)
    back(desk, "shipped")
    rest(desk)

    assert planned(desk, file)["summary"].startswith("+1 ")
    apply(desk, file)

    with desk.world.runtime.store.begin() as tx:
        assert tx.agreed.questions() == []


def test_where_the_rows_of_the_older_version_do_not_reach_its_fields_are_given_back(
    desk: Desk, tmp_path: Path
) -> None:
    word = ("failed: Payment failed", "failed: Past due")
    elsewhere = ("context:", "only: [{theirs: CS_Tier__c, is: [Platinum]}]\ncontext:")
    apply(desk, mine(tmp_path, elsewhere))
    apply(desk, mine(tmp_path, word))
    assert account(desk)["Payment_Status__c"] == "Past due"

    back(desk, "1")
    rest(desk)

    assert account(desk)["Payment_Status__c"] == "Payment failed"


def test_the_writer_is_told_what_must_still_stand_there(desk: Desk, tmp_path: Path) -> None:
    grant(desk)
    apply(desk, mine(tmp_path, *NEW_FIELD))

    back(desk, "shipped")

    (waiting,) = of_fields(desk, EffectState.WAITING)
    assert waiting.body["values"] == {"Expansion_ARR__c": None}
    assert waiting.body["expected"] == {"Expansion_ARR__c": ARR}


# ---------------------------------------------------------------- in Stripe


def test_what_was_written_to_stripe_is_given_back(desk: Desk, tmp_path: Path) -> None:
    before = customer_at_stripe(desk.world, customer(desk))
    apply(desk, mine(tmp_path, rows(PHONE, TIER)))
    assert customer_at_stripe(desk.world, customer(desk))["phone"] == "+1 212 999"
    assert notes(desk.world, customer(desk)) == {"kidglove_tier": "Gold"}

    said = back(desk, "shipped")
    rest(desk)

    assert (said["fields"], said["records"], said["left"]) == (2, 1, 0)
    assert customer_at_stripe(desk.world, customer(desk)) == before


def test_what_somebody_has_changed_in_stripe_since_stays(desk: Desk, tmp_path: Path) -> None:
    world = desk.world
    apply(desk, mine(tmp_path, rows(PHONE, TIER)))
    back(desk, "shipped")
    record = world.stripe.world.customer(customer(desk))
    world.stripe.world.edit(record, "customer.updated", {"phone": "+44 20"})

    rest(desk)

    assert customer_at_stripe(world, customer(desk))["phone"] == "+44 20"
    assert notes(world, customer(desk)) == {}
    assert of_fields(desk, EffectState.WAITING, EffectState.DEAD) == []


def test_what_was_given_back_in_stripe_is_written_again_by_the_same_mapping(
    desk: Desk, tmp_path: Path
) -> None:
    file = mine(tmp_path, rows(PHONE.replace("crm", "ask")))
    for _ in range(2):
        apply(desk, file)
        assert customer_at_stripe(desk.world, customer(desk))["phone"] == "+1 212 999"
        back(desk, "shipped")
        rest(desk)
        assert customer_at_stripe(desk.world, customer(desk))["phone"] is None
