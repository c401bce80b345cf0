"""`ReadsAccounts`, `ListsChanges` and `SweepsHolds`: the right account, in one batch."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.kit.manifest import Capability, Trait
from domain.errors import Gone, KidgloveError
from domain.facts import Person
from domain.ids import Ref
from domain.ports import FoundAccounts
from tests.conformance.stage import CrmStage
from tests.conformance.suite import Conformance, needs
from tests.conformance.watching import Poller

NAMES = (
    "Čapek & Søn <GmbH> \"Q\" 'S'",
    "\U0001f9e4\U0001f469\u200d\U0001f4bb Gloves",
    "شركة الأمل",
    "חברה 7",
    "e\u0301t\u00e9",
)


def found(vendor: CrmStage, *ids: str) -> dict[str, list[Ref] | type[KidgloveError]]:
    """What each id is answered with: refs, or the class of the failure."""
    answers = vendor.connector().read_accounts(ids=ids, plan=vendor.plan)
    return {
        id: [one.ref for one in said.records] if isinstance(said, FoundAccounts) else type(said)
        for id, said in answers.items()
    }


class Accounts(Conformance):
    """Reading accounts."""

    capability = Capability.READS_ACCOUNTS

    @pytest.mark.req("R21", partly="the look-up by stable ids; the links are proven with the store")
    def test_an_account_is_the_same_by_its_id_and_by_its_customer(self, vendor: CrmStage) -> None:
        said = vendor.connector().read_accounts(
            ids=[vendor.ref.id], customers=[vendor.customer], plan=vendor.plan
        )
        by_id, by_customer = said[vendor.ref.id], said[vendor.customer]
        assert isinstance(by_id, FoundAccounts)
        assert by_id == by_customer
        assert [(one.ref, one.customers) for one in by_id.records] == [
            (vendor.ref, (vendor.customer,))
        ]

    def test_every_spelling_of_an_id_is_the_same_account(self, vendor: CrmStage) -> None:
        spellings = vendor.spellings()
        assert found(vendor, *spellings) == {one: [vendor.ref] for one in spellings}

    def test_an_id_that_never_existed_finds_nothing(self, vendor: CrmStage) -> None:
        [said] = found(vendor, vendor.unknown_id()).values()
        assert said in ([], Gone)

    def test_an_id_of_another_kind_finds_nothing(self, vendor: CrmStage) -> None:
        [said] = found(vendor, vendor.id_of_another_kind()).values()
        assert said in ([], Gone)

    def test_one_bad_id_does_not_sink_the_batch(self, vendor: CrmStage) -> None:
        good = vendor.add_account("Good")
        said = found(vendor, vendor.ref.id, *vendor.garbage, vendor.unknown_id(), good.id)
        assert (said.pop(vendor.ref.id), said.pop(good.id)) == ([vendor.ref], [good])
        assert [one for one in said.values() if one not in ([], Gone)] == []
        assert len(said) == len(vendor.garbage) + 1

    def test_everything_that_is_asked_for_is_answered(self, vendor: CrmStage) -> None:
        refs = [vendor.add_account(f"Number {number}") for number in range(120)]
        assert found(vendor, *(one.id for one in refs)) == {one.id: [one] for one in refs}

    @needs(Trait.MERGES_ACCOUNTS)
    def test_an_account_that_was_merged_away_answers_with_the_survivor(
        self, vendor: CrmStage
    ) -> None:
        loser = vendor.add_account("Twin")
        vendor.merge(vendor.ref, loser)
        assert found(vendor, loser.id) == {loser.id: [vendor.ref]}

    def test_a_deleted_account_is_found_no_more(self, vendor: CrmStage) -> None:
        vendor.delete(vendor.ref)
        said = vendor.connector().read_accounts(
            ids=[vendor.ref.id], customers=[vendor.customer], plan=vendor.plan
        )
        assert said[vendor.ref.id] == FoundAccounts(records=())
        assert said[vendor.customer].records == ()

    @pytest.mark.parametrize("name", NAMES)
    def test_a_name_is_read_as_it_was_written(self, vendor: CrmStage, name: str) -> None:
        made = vendor.add_account(name)
        said = vendor.connector().read_accounts(ids=[made.id], plan=vendor.plan)[made.id]
        assert isinstance(said, FoundAccounts)
        assert [one.name for one in said.records] == [name]

    def test_a_colleague_is_known_by_id_and_a_stranger_is_gone(self, vendor: CrmStage) -> None:
        connector = vendor.connector()
        known = connector.person(vendor.csm)
        assert isinstance(known, Person)
        assert (known.id, known.can_take_work) == (vendor.csm, True)
        assert isinstance(connector.person(vendor.unknown_id()), Gone)


class AccountsInChanges(Conformance):
    """What a list of changes tells of an account that was read whole."""

    capability = Capability.LISTS_CHANGES

    def test_a_list_of_changes_names_an_account_as_it_was_read(self, vendor: CrmStage) -> None:
        poller = Poller(vendor)
        poller.poll()
        vendor.clock.advance(timedelta(minutes=1))
        changed = vendor.edit()
        vendor.clock.advance(vendor.soon)
        [hint] = poller.poll()
        said = vendor.connector().read_accounts(ids=[changed.id], plan=vendor.plan)[changed.id]
        assert isinstance(said, FoundAccounts)
        assert hint.digest is not None
        assert [one.digest for one in said.records] == [hint.digest]


class Holds(Conformance):
    """The sweep of everything that is on hold."""

    capability = Capability.SWEEPS_HOLDS

    @pytest.mark.req("R23", partly="the sweep itself; the drift is proven with the store")
    def test_exactly_the_accounts_on_hold_are_listed(self, vendor: CrmStage) -> None:
        connector = vendor.connector()
        words = [vendor.hold_word]
        assert vendor.ref not in connector.accounts_on_hold(plan=vendor.plan, words=words)
        vendor.hold(vendor.ref, vendor.hold_word)
        vendor.clock.advance(vendor.soon)
        assert vendor.ref in connector.accounts_on_hold(plan=vendor.plan, words=words)
        vendor.hold(vendor.ref, None)
        vendor.clock.advance(vendor.soon)
        assert vendor.ref not in connector.accounts_on_hold(plan=vendor.plan, words=words)

    def test_without_words_nothing_is_asked(self, vendor: CrmStage) -> None:
        assert list(vendor.connector().accounts_on_hold(plan=vendor.plan, words=[])) == []
        assert vendor.requests() == 0
