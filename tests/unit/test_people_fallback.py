"""The last recipient of work is looked at again: whoever has left gets none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from domain.errors import Gone, KidgloveError, Transient
from domain.facts import Person
from domain.ports import FoundAccounts, ReadPlan
from sync.crms import Crm, Crms
from tests.unit.desk import OPS, START


@dataclass
class Org:
    """A CRM that knows one colleague, and how often it was asked."""

    answer: Person | KidgloveError = OPS
    asked: int = 0
    is_down: bool = False

    def person(self, id: str) -> Person | KidgloveError:
        self.asked += 1
        if self.is_down:
            raise Transient("Salesforce does not answer")
        return self.answer

    def read_accounts(
        self, *, ids: Sequence[str] = (), customers: Sequence[str] = (), plan: ReadPlan
    ) -> Mapping[str, FoundAccounts | KidgloveError]:
        return {}


@dataclass
class Hand:
    """A clock that somebody moves."""

    at: list[float] = field(default_factory=lambda: [0.0])

    def now(self) -> datetime:
        return START + timedelta(minutes=self.at[0])


@pytest.fixture
def clock() -> Hand:
    return Hand()


def reader(org: Org, clock: Hand) -> Callable[[], Person | None]:
    """Asks for the last recipient of the only CRM there is."""
    crm = Crm(system="salesforce", title="Salesforce", reads=org, fallback_owner=OPS.id)
    crms = Crms([crm], clock=clock)
    return lambda: crms.fallback(crm)


@pytest.mark.req("R42", partly="the last recipient; the chain stands beside it")
@pytest.mark.parametrize("left", [replace(OPS, is_active=False), Gone("no such user")])
def test_a_last_recipient_who_left_is_noticed_within_minutes(
    clock: Hand, left: Person | KidgloveError
) -> None:
    org = Org()
    fallback = reader(org, clock)
    assert fallback() == OPS
    org.answer = left
    clock.at[0] = 11

    found = fallback()

    assert found is None or not found.can_take_work


def test_the_last_recipient_is_not_read_for_every_account(clock: Hand) -> None:
    org = Org()
    fallback = reader(org, clock)

    for _ in range(50):
        fallback()

    assert org.asked == 1


def test_while_the_crm_is_down_the_last_recipient_stays_who_it_was(clock: Hand) -> None:
    org = Org()
    fallback = reader(org, clock)
    fallback()
    org.is_down = True
    clock.at[0] = 60

    assert [fallback() for _ in range(5)] == [OPS] * 5
    assert org.asked == 2
