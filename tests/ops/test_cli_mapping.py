"""Changing a mapping at the command line: seen first, applied as seen, rolled back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mappings.mapping_file import default_mapping_text
from tests.ops.desk import Desk, Said
from tests.world import build

SHIPPED = default_mapping_text("salesforce")


@pytest.fixture
def desk(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """A desk beside a world with two VIPs whose payment has failed."""
    world = build(database_url, redis_url)
    world.vip("Aurelius Partners")
    world.vip("Borealis Freight", number="INV-2")
    world.hours(4)
    yield Desk(world, tmp_path, monkeypatch)
    world.close()


def mine(tmp_path: Path, *changes: tuple[str, str]) -> str:
    """The shipped mapping with these changes, as a file."""
    text = SHIPPED
    for right, wrong in changes:
        assert right in text
        text = text.replace(right, wrong, 1)
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return str(path)


WORD = ("failed: Payment failed", "failed: Past due")
NEW_FIELD = (
    ("theirs: Stripe_ARR__c", "theirs: Expansion_ARR__c"),
    (
        "  expansion: Expansion_ARR__c\n",
        "",
    ),
)
OTHER_WORD = "Past due"


def accounts(desk: Desk) -> list[dict[str, Any]]:
    return sorted(desk.world.org.rows("Account"), key=lambda row: str(row["Name"]))


def planned(desk: Desk, file: str, *words: str) -> dict[str, Any]:
    said = desk.type("mapping", "plan", file, "--json", *words)
    assert said.code == 0, said.err
    found: dict[str, Any] = said.json
    return found


def applied(desk: Desk, plan: str, *words: str) -> Said:
    return desk.type("mapping", "apply", plan, "-m", "why not", "--by", "ann", "--yes", *words)


# ---------------------------------------------------------------- plan


def test_a_plan_shows_each_record_before_and_after_and_writes_nothing(
    desk: Desk, tmp_path: Path
) -> None:
    before = accounts(desk)
    plan = planned(desk, mine(tmp_path, WORD))

    assert plan["summary"] == "+0 ~2 0 blank 0 rejected"
    assert [(one["name"], one["fields"]) for one in plan["records"]] == [
        (
            name,
            [
                {
                    "name": "Payment_Status__c",
                    "change": "overwrite",
                    "before": "Payment failed",
                    "after": OTHER_WORD,
                    "why": "",
                }
            ],
        )
        for name in ("Aurelius Partners", "Borealis Freight")
    ]
    assert plan["accounts"] == 2
    assert plan["cost"] == {"stripe": 6, "salesforce": 3}
    assert plan["look_cost"]["salesforce"] == 2
    desk.world.settle()
    assert accounts(desk) == before
    assert desk.type("mapping", "history", "--json").json["versions"] == []


def test_a_plan_on_the_screen_ends_with_the_command_that_applies_it(
    desk: Desk, tmp_path: Path
) -> None:
    said = desk.type("mapping", "plan", mine(tmp_path, WORD), "--show", "1")
    assert re.search(r"^\+0 ~2 0 blank 0 rejected; \d+ as they are\.$", said.out, re.MULTILINE)
    assert "  ~ Payment_Status__c: 'Payment failed' -> 'Past due'" in said.out
    assert "and 1 more records; --show 2" in said.out
    assert "kidglove mapping apply " in said.out


def test_the_shipped_mapping_would_change_nothing(desk: Desk) -> None:
    plan = planned(desk, "salesforce")
    assert (plan["summary"], plan["written"]) == ("+0 ~0 0 blank 0 rejected", 0)


def test_new_fields_are_created_and_what_the_org_refuses_is_rejected(
    desk: Desk, tmp_path: Path
) -> None:
    desk.world.org.grant_edit("Account", "Expansion_ARR__c")
    file = mine(tmp_path, *NEW_FIELD, ("failed: Payment failed", "failed: Oh no"))
    plan = planned(desk, file)
    assert plan["summary"] == "+2 ~0 0 blank 2 rejected"
    refused = [one for one in plan["records"][0]["fields"] if one["change"] == "rejected"]
    assert [(one["name"], one["why"]) for one in refused] == [
        ("Payment_Status__c", "has no value 'Oh no'")
    ]

    applied(desk, plan["plan"], "--fill")
    desk.world.settle()

    assert [one["Expansion_ARR__c"] for one in accounts(desk)] == [170_400] * 2
    assert [one["Payment_Status__c"] for one in accounts(desk)] == ["Payment failed"] * 2
    told = [text for text in desk.world.alerts() if "without Payment_Status__c" in text]
    assert len(told) == 1, "what refuses one record refuses the next, and is told once"


def test_a_text_that_is_too_long_is_planned_as_it_will_stand_there(
    desk: Desk, tmp_path: Path
) -> None:
    row = f"  - {{constant: '{'x' * 300}', flow: ->, theirs: Website, wins: worker}}\n"
    plan = planned(desk, mine(tmp_path, ("\nrows:\n", f"\nrows:\n{row}")))
    (planned_field,) = plan["records"][0]["fields"]

    applied(desk, plan["plan"], "--fill")
    desk.world.settle()

    assert (plan["summary"], plan["written"]) == ("+2 ~0 0 blank 0 rejected", 2)
    assert planned_field["why"] == "cut from 300 to 255 characters"
    assert accounts(desk)[0]["Website"] == planned_field["after"]


def test_a_look_at_a_part_is_not_kept_and_cannot_be_applied(desk: Desk, tmp_path: Path) -> None:
    plan = planned(desk, mine(tmp_path, WORD), "--limit", "1")
    assert (plan["accounts"], plan["can_be_applied"]) == (1, False)
    said = applied(desk, plan["plan"])
    assert (said.code, said.err.splitlines()[0]) == (1, f"there is no plan {plan['plan']}")


def test_a_broken_file_is_not_planned(desk: Desk, tmp_path: Path) -> None:
    said = desk.type("mapping", "plan", mine(tmp_path, ("wins: worker", "wins: workr")))
    assert said.code == 1
    assert "did you mean worker?" in said.err


# ---------------------------------------------------------------- apply


@pytest.mark.req("R24", partly="by a new mapping; the first install is a backfill")
def test_exactly_the_plan_is_applied_and_existing_records_are_filled(
    desk: Desk, tmp_path: Path
) -> None:
    plan = planned(desk, mine(tmp_path, WORD))
    said = applied(desk, plan["plan"], "--fill", "--json")
    desk.world.settle()

    assert said.json["applied"] == "mapping:salesforce@1"
    assert (said.json["records"], said.json["filled"]) == (2, 2)
    assert [one["Payment_Status__c"] for one in accounts(desk)] == [OTHER_WORD] * 2
    version = desk.type("mapping", "history", "--json").json["versions"][0]
    assert (version["author"], version["note"]) == ("ann", "why not")
    assert planned(desk, mine(tmp_path, WORD))["written"] == 0


def test_without_filling_a_record_follows_at_its_next_look(desk: Desk, tmp_path: Path) -> None:
    plan = planned(desk, mine(tmp_path, WORD))
    said = applied(desk, plan["plan"], "--no-fill")
    desk.world.settle()
    assert said.code == 0
    assert [one["Payment_Status__c"] for one in accounts(desk)] == ["Payment failed"] * 2

    desk.world.runtime.reconcile.sweep_everybody()
    desk.world.settle()
    assert [one["Payment_Status__c"] for one in accounts(desk)] == [OTHER_WORD] * 2


def test_a_plan_that_no_longer_holds_is_refused_with_what_has_changed(
    desk: Desk, tmp_path: Path
) -> None:
    plan = planned(desk, mine(tmp_path, WORD))
    id = str(accounts(desk)[1]["Id"])
    desk.world.org.human(desk.world.people["csm"]).update("Account", id, {"Payment_Status__c": ""})

    said = applied(desk, plan["plan"])

    assert said.code == 1
    assert f"Borealis Freight ({id})" in said.err
    assert f"Plan {plan['plan']} does not hold any more; nothing was changed." in said.err
    assert desk.type("mapping", "history", "--json").json["versions"] == []


def test_a_plan_over_another_version_is_refused(desk: Desk, tmp_path: Path) -> None:
    plan = planned(desk, mine(tmp_path, WORD))
    applied(desk, mine(tmp_path, ("cut: 255", "cut: 200")))
    said = applied(desk, plan["plan"])
    assert said.code == 1
    assert "mapping:salesforce@1 is in force now" in said.err


def test_a_large_change_stops_until_somebody_says_that_it_is_meant(
    desk: Desk, tmp_path: Path
) -> None:
    strict = mine(
        tmp_path, ("context:", "limits: {changed_percent: 10, changed_from: 2}\ncontext:")
    )
    assert applied(desk, strict).code == 0
    large = mine(
        tmp_path, WORD, ("context:", "limits: {changed_percent: 10, changed_from: 2}\ncontext:")
    )

    stopped = applied(desk, large)
    meant = applied(desk, large, "--past-limits")

    assert stopped.code == 1
    assert "Stop: 2 of 2 records would change, more than 10 %." in stopped.err
    assert meant.code == 0
    assert len(desk.type("mapping", "history", "--json").json["versions"]) == 2


def test_what_would_be_emptied_counts_by_itself(desk: Desk, tmp_path: Path) -> None:
    limits = ("context:", "limits: {blanked_fields: 1}\ncontext:")
    assert applied(desk, mine(tmp_path, limits)).code == 0
    for one in accounts(desk):
        desk.world.org.human(desk.world.people["csm"]).update(
            "Account", str(one["Id"]), {"Next_Payment_Attempt_At__c": "2027-01-01T00:00:00Z"}
        )
    said = desk.type("mapping", "plan", mine(tmp_path, limits))
    assert "2 blank" in said.out
    assert "Apply will stop: 2 fields would become empty, more than 1." in said.out


# ---------------------------------------------------------------- versions


def test_the_difference_of_two_versions_is_the_rows_that_differ(desk: Desk, tmp_path: Path) -> None:
    applied(desk, mine(tmp_path, ("cut: 255", "cut: 200")))
    lines = desk.type("mapping", "diff", "shipped", "1", "--json").json["lines"]
    row = "  - {ours: payment.last_failure, flow: ->, theirs: Last_Failure_Code__c, wins: stripe, "
    assert [one for one in lines if one[0] in "+-"][2:] == [
        f"-{row}cut: 255}}",
        f"+{row}cut: 200}}",
    ]
    against = desk.type("mapping", "diff", mine(tmp_path, ("cut: 255", "cut: 200")))
    assert "mean the same" in against.out


def test_an_exported_version_is_the_mapping_again(desk: Desk, tmp_path: Path) -> None:
    applied(desk, mine(tmp_path, ("cut: 255", "cut: 200")))
    path = tmp_path / "exported.yaml"
    path.write_text(desk.type("mapping", "export").out)
    assert "mean the same" in desk.type("mapping", "diff", str(path)).out
    assert desk.type("mapping", "export", "1", "--json").json["mapping"] == "salesforce"
    assert desk.type("mapping", "export", "1", "--raw").out == (tmp_path / "mine.yaml").read_text()


def test_going_back_gives_back_what_stood_there_where_it_is_still_ours(
    desk: Desk, tmp_path: Path
) -> None:
    desk.world.org.grant_edit("Account", "Expansion_ARR__c")
    first, second = (str(one["Id"]) for one in accounts(desk))
    person = desk.world.org.human(desk.world.people["csm"])
    person.update("Account", first, {"Expansion_ARR__c": 777})
    applied(desk, mine(tmp_path, *NEW_FIELD, WORD), "--fill")
    desk.world.settle()
    assert desk.world.org.get(first)["Expansion_ARR__c"] == 170_400
    person.update("Account", second, {"Expansion_ARR__c": 1})

    said = desk.type("mapping", "rollback", "shipped", "-m", "wrong field", "--yes", "--json")
    desk.world.settle()
    desk.world.runtime.reconcile.sweep_everybody()
    desk.world.settle()

    assert said.json == {
        "applied": "mapping:salesforce@2",
        "fields": 1,
        "records": 1,
        "left": 1,
        "holds": {"starts": 0, "ends": 0},
        "failed": 0,
    }
    assert desk.world.org.get(first)["Expansion_ARR__c"] == 777
    assert desk.world.org.get(second)["Expansion_ARR__c"] == 1
    assert [one["Payment_Status__c"] for one in accounts(desk)] == ["Payment failed"] * 2
    assert "mean the same" in desk.type("mapping", "diff", "shipped", "2").out


def test_there_is_nothing_to_go_back_from_before_the_first_version(desk: Desk) -> None:
    said = desk.type("mapping", "rollback", "-m", "oops", "--yes")
    assert (said.code, "nothing was ever applied" in said.err) == (1, True)


# ---------------------------------------------------------------- doctor


def test_the_doctor_holds_every_row_against_the_live_field(desk: Desk, tmp_path: Path) -> None:
    file = mine(
        tmp_path,
        ("failed: Payment failed", "failed: Payment faild"),
        ("theirs: Stripe_MRR__c", "theirs: Contract_End__c"),
        ("  contract_end: Contract_End__c\n", ""),
        (", wins: worker, cut: 1000}", ", wins: worker}"),
        ("cut: 255", "cut: 300"),
        ("theirs: Stripe_ARR__c", "theirs: Stripe_AAR__c"),
    )
    said = desk.type("mapping", "doctor", file, "--json")
    found = {
        one["id"]: (one["health"], one["detail"])
        for one in said.json
        if one["id"].startswith("salesforce/field.") and one["health"] != "ok"
    }
    assert said.code == 1
    assert found == {
        "salesforce/field.Account.Payment_Status__c": (
            "wrong",
            "the choice has no value 'Payment faild'; did you mean 'Payment failed'?",
        ),
        "salesforce/field.Account.Contract_End__c": (
            "wrong",
            "the field takes a day, and payment.mrr is written as a number",
        ),
        "salesforce/field.Account.Dunning_Sync_Error__c": (
            "unknown",
            "a text of more than 32768 characters would be cut",
        ),
        "salesforce/field.Account.Last_Failure_Code__c": (
            "wrong",
            "the row cuts to 300 characters, and the field takes 255",
        ),
        "salesforce/field.Account.Stripe_AAR__c": (
            "wrong",
            "the field does not exist, or is hidden from us; did you mean Stripe_ARR__c?",
        ),
    }


def test_a_mapping_that_fits_is_one_line(desk: Desk) -> None:
    said = desk.type("mapping", "doctor")
    assert said.code == 0
    assert re.search(r"\d\d rows fit into their fields", said.out)


# ---------------------------------------------------------------- suggestions


def suggested(said: Said) -> dict[str, str]:
    """The first row for each of our values."""
    return {one["ours"]: one["row"] for one in said.json["rows"] if one["is_first"]}


def test_what_no_row_carries_is_suggested_by_the_names_of_the_live_fields(desk: Desk) -> None:
    before = accounts(desk)
    said = desk.type("mapping", "suggest", "--json")
    assert said.code == 0
    assert suggested(said) == {
        "account.tier": "{ours: account.tier, flow: <-, theirs: CS_Tier__c, wins: crm}",
        "account.vip": "{ours: account.vip, flow: <-, theirs: VIP_Override__c, wins: crm}",
        "account.owner": "{ours: account.owner, flow: <-, theirs: OwnerId, wins: crm}",
        "account.csm": "{ours: account.csm, flow: <-, theirs: CSM__c, wins: crm}",
        "account.ap_contact": "{ours: account.ap_contact, flow: <-, theirs: AP_Contact__c, "
        "wins: crm}",
        "account.health": "{ours: account.health, flow: <-, theirs: Health_Score__c, wins: crm}",
        "account.resolution": "{ours: account.resolution, flow: <-, theirs: Dunning_Status__c, "
        "wins: crm}",
        "account.promise": "{ours: account.promise, flow: <-, theirs: Dunning_Promise_Date__c, "
        "wins: crm}",
        "customer.name": "{ours: customer.name, flow: <-, theirs: Name, wins: crm}",
        "customer.phone": "{ours: customer.phone, flow: <-, theirs: Phone, wins: crm}",
        "customer.address.city": "{ours: customer.address.city, flow: <-, theirs: BillingCity, "
        "wins: crm}",
        "customer.address.country": "{ours: customer.address.country, flow: <-, theirs: "
        "BillingCountry, wins: crm}",
    }
    assert accounts(desk) == before
    assert desk.type("mapping", "history", "--json").json["versions"] == []


def test_what_was_taken_out_is_suggested_again_as_it_was(desk: Desk, tmp_path: Path) -> None:
    lines = SHIPPED.splitlines(keepends=True)
    (gone,) = [one for one in lines if "Stripe_ARR__c" in one]
    file = mine(tmp_path, (gone, ""))
    said = desk.type("mapping", "suggest", file, "--json")
    assert suggested(said)["payment.arr"] == gone.strip().removeprefix("- ")


def test_what_is_printed_can_be_pasted_and_passes_the_check_and_the_doctor(
    desk: Desk, tmp_path: Path
) -> None:
    printed = desk.type("mapping", "suggest").out
    file = mine(tmp_path, ("\n# Who gets the work", f"{printed}\n# Who gets the work"))
    check, doctor = desk.type("mapping", "check", file), desk.type("mapping", "doctor", file)
    assert "# 0 records change by looking." in printed
    assert (check.code, doctor.code) == (0, 0)
    assert "31 rows fit into their fields" in doctor.out


def test_suggesting_for_what_is_not_connected_or_broken_is_a_problem(
    desk: Desk, tmp_path: Path
) -> None:
    far = desk.type("mapping", "suggest", "--crm", "hubspot")
    broken = desk.type("mapping", "suggest", mine(tmp_path, ("wins: stripe", "wins: strpie")))
    unknown = desk.type("mapping", "suggest", "--crm", "pipedrive")
    assert (far.code, broken.code, unknown.code) == (1, 1, 2)
    assert "HubSpot is not connected" in far.err
    assert "did you mean stripe?" in broken.err


# ---------------------------------------------------------------- two people


def test_where_two_must_agree_the_one_who_planned_does_not_apply(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIDGLOVE_TWO_PERSON_MAPPINGS", "true")
    file = mine(tmp_path, WORD)
    plan = planned(desk, file, "--by", "ann")["plan"]

    alone = [applied(desk, plan), applied(desk, file)]
    agreed = desk.type("mapping", "apply", plan, "-m", "why not", "--by", "bea", "--yes", "--json")

    assert [said.code for said in alone] == [1, 1]
    assert [said.err.splitlines()[0] for said in alone] == [
        "two people must agree on a mapping, and ann made this plan",
        "two people must agree on a mapping, and there is no plan",
    ]
    assert agreed.json["applied"] == "mapping:salesforce@1"


def test_whoever_makes_a_plan_again_does_not_become_its_author(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIDGLOVE_TWO_PERSON_MAPPINGS", "true")
    file = mine(tmp_path, WORD)
    planned(desk, file, "--by", "ann")
    plan = planned(desk, file, "--by", "bea")["plan"]

    assert applied(desk, plan).code == 1
