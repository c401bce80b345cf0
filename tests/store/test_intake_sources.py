"""What is wrong with one source's messages keeps no other source's messages waiting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest
import sqlalchemy as sa

from domain.ids import Ref
from domain.ports import Hint, Incoming
from store.unit_of_work import UnitOfWork
from sync.intake import Intake
from tests.races.stage import NOW


class At:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


class Saying:
    """A source whose messages all name one customer."""

    def __init__(self, ref: Ref) -> None:
        self._ref = ref

    def hints(self, body: bytes) -> Sequence[Hint]:
        return [Hint(ref=self._ref, topic="changed", event_id="1")]


@pytest.fixture
def waiting(store: UnitOfWork) -> UnitOfWork:
    """A message of each of two sources."""
    with store.begin() as tx:
        for source in ("a crm", "payments"):
            tx.inbox.store([Incoming(source=source, key="1", topic="t", body=b"{}")], NOW)
    return store


def test_a_source_that_cannot_be_taken_in_keeps_no_other_one_out(waiting: UnitOfWork) -> None:
    # No text with a zero byte can be asked for in PostgreSQL.
    signals = {
        "a crm": Saying(Ref("a\x00crm", "account", "1")),
        "payments": Saying(Ref("payments", "customer", "cus_1")),
    }

    with pytest.raises(sa.exc.DataError):
        Intake(waiting, signals, At()).take_in()

    with waiting.begin() as tx:
        assert tx.inbox.waiting() == ["a crm"]
        assert tx.links.account_of(Ref("payments", "customer", "cus_1")) is not None


def test_a_kind_of_record_with_characters_that_no_kind_has_is_quarantined(
    waiting: UnitOfWork,
) -> None:
    signals = {
        "a crm": Saying(Ref("crm", "acc\x00ount", "1")),
        "payments": Saying(Ref("payments", "customer", "cus_1")),
    }

    taken = Intake(waiting, signals, At()).take_in()

    assert (taken.looked_at, taken.marked, taken.quarantined) == (2, 1, 1)
