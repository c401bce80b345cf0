"""`WritesCrm`: one task per key, only what is given, and each refusal by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from html import unescape
from typing import Any

import pytest

from connectors.kit.manifest import Capability
from domain.errors import Gone, KidgloveError, Misconfigured, Rejected
from domain.money import Money
from domain.ports import FieldsChange, Receipt, TaskChange, TaskVerb
from tests.conformance.accounts import NAMES
from tests.conformance.stage import CrmStage
from tests.conformance.suite import Conformance
from tests.conformance.watching import together

DAY = date(2026, 11, 25)
CHANGES_OF_TIME = (
    date(2027, 11, 7),
    date(2027, 3, 14),
    date(2027, 3, 28),
    date(2027, 10, 31),
    date(2027, 10, 3),
    date(2028, 2, 29),
)
"""Clocks change in New York, in Berlin and in Sydney, and a leap day."""
AMOUNTS = (Money(1234, "jpy"), Money(123456, "usd"), Money(1234567, "kwd"))


def task(vendor: CrmStage, key: str = "key-1", **over: Any) -> TaskChange:
    """A task for the account of interest."""
    said: dict[str, Any] = {
        "account": vendor.ref,
        "subject": "Payment hiccup",
        "text": "Please call.",
        "html": "<p>Please call.</p>",
        "owner_id": vendor.csm,
        "due_on": DAY,
        "kind": "other",
    }
    return TaskChange(key=key, **(said | over))


def written(vendor: CrmStage, *changes: TaskChange | FieldsChange) -> Sequence[Any]:
    """The answers to one call of a connector of its own."""
    answers: Sequence[Receipt | KidgloveError] = vendor.connector().write(list(changes))
    return answers


class Writing(Conformance):
    """Keeping tasks and fields."""

    capability = Capability.WRITES_CRM

    def test_a_task_is_made_as_it_was_asked_for(self, vendor: CrmStage) -> None:
        [receipt] = written(vendor, task(vendor))
        [kept] = vendor.tasks("key-1")
        assert (receipt.was_created, receipt.ref.id) == (True, kept.id)
        assert (kept.subject, kept.owner_id, kept.due_on) == ("Payment hiccup", vendor.csm, DAY)
        assert "Please call." in kept.text
        assert not kept.is_closed

    @pytest.mark.req("R17", partly="the same write twice; the jobs are proven with the store")
    def test_a_second_identical_write_changes_nothing(self, vendor: CrmStage) -> None:
        [first] = written(vendor, task(vendor))
        before = vendor.world()
        [second] = written(vendor, task(vendor))
        assert (second.ref, second.was_created) == (first.ref, False)
        assert vendor.world() == before

    @pytest.mark.req("R17", partly="the same write at once; the jobs are proven with the store")
    def test_the_same_task_by_four_workers_at_once_is_one(self, vendor: CrmStage) -> None:
        workers = [vendor.connector() for _ in range(4)]
        answers = together(workers, lambda one: one.write([task(vendor)])[0])
        assert {type(one) for one in answers} == {Receipt}
        assert len(vendor.tasks("key-1")) == 1

    def test_what_is_not_given_stays_as_people_left_it(self, vendor: CrmStage) -> None:
        written(vendor, task(vendor))
        vendor.rename_task("key-1", "Called twice already")
        [before] = vendor.tasks("key-1")
        written(vendor, TaskChange(key="key-1", account=vendor.ref, due_on=date(2026, 12, 1)))
        [after] = vendor.tasks("key-1")
        assert asdict(after) == {**asdict(before), "due_on": date(2026, 12, 1)}

    def test_a_task_made_before_its_account_was_known_comes_to_hang_on_it(
        self, vendor: CrmStage
    ) -> None:
        [first] = written(vendor, task(vendor, account=None))
        [before] = vendor.tasks("key-1")
        [second] = written(vendor, task(vendor))
        [after] = vendor.tasks("key-1")
        assert (second.ref, second.was_created) == (first.ref, False)
        assert (before.account, after.account) == (None, vendor.ref.id)
        world = vendor.world()
        written(vendor, task(vendor))
        assert vendor.world() == world

    def test_a_field_that_is_not_given_stays_as_it_is(self, vendor: CrmStage) -> None:
        vendor.hold(vendor.ref, vendor.hold_word)
        written(vendor, FieldsChange(account=vendor.ref, values={vendor.text_field: "one"}))
        written(vendor, FieldsChange(account=vendor.ref, values={vendor.amount_field: Decimal(7)}))
        hold_field = vendor.hold_field
        assert vendor.field(vendor.ref, vendor.text_field) == "one"
        assert vendor.field(vendor.ref, hold_field) == vendor.hold_word

    def test_a_task_is_closed_and_reopened_under_its_key(self, vendor: CrmStage) -> None:
        written(vendor, task(vendor))
        seen: list[bool] = []
        for verb in (TaskVerb.CLOSE, TaskVerb.CLOSE, TaskVerb.REOPEN):
            written(vendor, TaskChange(key="key-1", account=vendor.ref, verb=verb))
            seen += [one.is_closed for one in vendor.tasks("key-1")]
        assert seen == [True, True, False]

    @pytest.mark.parametrize("verb", [TaskVerb.CLOSE, TaskVerb.REOPEN])
    def test_closing_what_is_not_there_makes_nothing(
        self, vendor: CrmStage, verb: TaskVerb
    ) -> None:
        [said] = written(vendor, TaskChange(key="never", account=vendor.ref, verb=verb))
        assert isinstance(said, Gone)
        assert vendor.tasks("never") == []

    @pytest.mark.req("R22", partly="the refusal is the row's own; its parking is proven elsewhere")
    def test_one_refused_change_does_not_stop_the_others(self, vendor: CrmStage) -> None:
        nobody = type(vendor.ref)(vendor.ref.system, vendor.ref.kind, vendor.unknown_id())
        answers = written(
            vendor,
            task(vendor, "key-1"),
            FieldsChange(account=nobody, values={vendor.text_field: "lost"}),
            FieldsChange(account=vendor.ref, values={vendor.text_field: "kept"}),
            task(vendor, "key-2"),
        )
        kinds = [isinstance(one, Receipt) for one in answers]
        assert kinds == [True, False, True, True]
        assert isinstance(answers[1], Gone)
        assert vendor.field(vendor.ref, vendor.text_field) == "kept"

    def test_answers_come_in_the_order_of_the_changes(self, vendor: CrmStage) -> None:
        keys = [f"key-{number}" for number in range(30)]
        answers = written(vendor, *(task(vendor, key) for key in keys))
        stored = [one.id for key in keys for one in vendor.tasks(key)]
        assert [one.ref.id for one in answers] == stored

    def test_an_unknown_field_is_the_mappings_fault(self, vendor: CrmStage) -> None:
        values = {"no_such_field_anywhere__c": "x"}
        [said] = written(vendor, FieldsChange(account=vendor.ref, values=values))
        assert isinstance(said, Misconfigured)
        assert "no_such_field_anywhere__c" in f"{said.row} {said.message}"

    def test_a_text_that_is_too_long_is_cut_and_not_refused(self, vendor: CrmStage) -> None:
        long = "T" * 200_000
        [receipt] = written(
            vendor, task(vendor, subject="S" * 5000, text=long, html=f"<p>{long}</p>")
        )
        [kept] = vendor.tasks("key-1")
        assert isinstance(receipt, Receipt)
        assert kept.subject.startswith("S" * (vendor.subject_length - 10))
        assert len(kept.subject) <= vendor.subject_length
        assert "T" * 1000 in kept.text

    @pytest.mark.parametrize("text", [*NAMES, "a\nb\tc", "x" * 254 + "\U0001f9e4\U0001f9e4"])
    def test_every_alphabet_arrives(self, vendor: CrmStage, text: str) -> None:
        line = text.replace("\n", " ").replace("\t", " ")
        html = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        [receipt] = written(
            vendor,
            task(vendor, subject=line[:200], text=text, html=f"<p>{html}</p>"),
        )
        [kept] = vendor.tasks("key-1")
        assert isinstance(receipt, Receipt)
        assert kept.subject == line[:200]
        assert " ".join(line.split()) in " ".join(unescape(kept.text).split())

    @pytest.mark.parametrize("day", CHANGES_OF_TIME)
    def test_a_due_day_is_the_same_day_when_clocks_change(
        self, vendor: CrmStage, day: date
    ) -> None:
        [receipt] = written(vendor, task(vendor, due_on=day))
        assert isinstance(receipt, Receipt)
        assert [one.due_on for one in vendor.tasks("key-1")] == [day]

    @pytest.mark.parametrize("amount", AMOUNTS, ids=lambda amount: amount.currency)
    def test_money_keeps_its_decimals(self, vendor: CrmStage, amount: Money) -> None:
        values = {vendor.amount_field: amount.major}
        [receipt] = written(vendor, FieldsChange(account=vendor.ref, values=values))
        kept = Decimal(str(vendor.field(vendor.ref, vendor.amount_field)))
        assert abs(kept - amount.major) < vendor.amount_step
        assert Decimal(str(receipt.now[vendor.amount_field])) == kept

    def test_a_receipt_tells_what_is_there_now(self, vendor: CrmStage) -> None:
        change = FieldsChange(account=vendor.ref, values={vendor.text_field: "insufficient funds"})
        [fields, kept] = written(vendor, change, task(vendor))
        assert (fields.ref, fields.now[vendor.text_field]) == (vendor.ref, "insufficient funds")
        assert (kept.now["owner_id"], kept.now["is_closed"]) == (vendor.csm, False)

    def test_work_goes_to_the_spare_person_when_the_first_is_gone(self, vendor: CrmStage) -> None:
        vendor.deactivate(vendor.csm)
        try:
            [said] = written(vendor, task(vendor, fallback_owner_id=vendor.spare))
            [alone] = written(vendor, task(vendor, "key-2"))
        finally:
            vendor.activate(vendor.csm)
        assert isinstance(said, Receipt)
        assert [one.owner_id for one in vendor.tasks("key-1")] == [vendor.spare]
        assert isinstance(alone, Rejected | Receipt)
        assert [one.owner_id for one in vendor.tasks("key-2")] in ([], [vendor.spare])
