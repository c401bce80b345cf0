"""What the repositories promise about single rows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.errors import Transient
from domain.ids import AccountId, Ref
from domain.ports import Incoming
from domain.rows import EVALUATE, EffectState, InboxState, LinkState, Urgency
from store.unit_of_work import UnitOfWork
from tests.races.stage import NOW, command, open_account

CRM = Ref("crm", "account", "001")
LATER = NOW + timedelta(minutes=5)


def write(store: UnitOfWork, account: AccountId, state: EffectState = EffectState.WAITING) -> int:
    """A command of the account; its id."""
    with store.begin() as tx:
        tx.effects.add(
            account,
            command(),
            case_id=None,
            system="payments",
            state=state,
            cause="test",
            config_version="policy@1",
            now=NOW,
        )
        return tx.effects.of_account(account)[0].id


# ------------------------------------------------------------ messages


def test_a_message_keeps_its_bytes(store: UnitOfWork) -> None:
    body = bytes(range(256))
    with store.begin() as tx:
        tx.inbox.store([Incoming(source="s", key="k", topic="t", body=body)], NOW)

    with store.begin() as tx:
        (row,) = tx.inbox.take_new("s", 10)
    assert row.body == body


def test_a_quarantined_message_is_not_taken(store: UnitOfWork) -> None:
    odd = Incoming(source="s", key="k", topic="t", body=b"", problem="it is odd")
    with store.begin() as tx:
        tx.inbox.store([odd], NOW)

    with store.begin() as tx:
        assert tx.inbox.take_new("s", 10) == []
        assert not tx.inbox.has_new()


def test_the_same_key_of_two_sources_is_two_messages(store: UnitOfWork) -> None:
    both = [Incoming(source=name, key="k", topic="t", body=b"") for name in ("one", "other")]

    with store.begin() as tx:
        assert tx.inbox.store(both, NOW) == 2
        assert tx.inbox.store(both, NOW) == 0


def test_a_reason_that_no_text_column_can_hold_is_kept_as_an_escape(store: UnitOfWork) -> None:
    with store.begin() as tx:
        tx.inbox.store([Incoming(source="s", key="k", topic="t", body=b"")], NOW)
        (row,) = tx.inbox.take_new("s", 1)
        tx.inbox.finish(row.id, InboxState.QUARANTINED, now=NOW, reason="a\x00b\ud83d")

    with store.begin() as tx:
        assert tx.inbox.counts() == {"quarantined": 1}


# ------------------------------------------------------------ links


def test_a_link_that_a_person_rejected_is_not_revived(store: UnitOfWork) -> None:
    account = open_account(store)
    with store.begin() as tx:
        tx.links.link(account, CRM, now=NOW)
        assert tx.links.reject(CRM, now=NOW)
        tx.links.link(account, CRM, now=NOW)

    with store.begin() as tx:
        assert tx.links.account_of(CRM) is None
        assert [one.state for one in tx.links.all(LinkState.REJECTED)] == [LinkState.REJECTED]


def test_a_quarantined_link_belongs_to_nobody_until_a_person_confirms_it(
    store: UnitOfWork,
) -> None:
    account = open_account(store)
    with store.begin() as tx:
        tx.links.quarantine(CRM, account=account, reason="two claim it", now=NOW)
        assert tx.links.account_of(CRM) is None
        assert tx.links.confirm(CRM, now=NOW)

    with store.begin() as tx:
        assert tx.links.account_of(CRM) == account


# ------------------------------------------------------------ lanes


@pytest.mark.parametrize(
    ("causes", "kept"),
    [
        (["stripe:evt_1", "stripe:evt_2"], "stripe:evt_2"),
        (["backfill:accounts", "stripe:evt_1"], "backfill:accounts + stripe:evt_1"),
        (
            ["stripe:evt_1", "backfill:accounts", "stripe:evt_2"],
            "stripe:evt_1 + backfill:accounts",
        ),
    ],
)
def test_what_was_asked_for_first_is_not_lost_by_what_comes_after(
    store: UnitOfWork, causes: list[str], kept: str
) -> None:
    account = open_account(store)
    with store.begin() as tx:
        for cause in causes:
            tx.lanes.mark_dirty(account, EVALUATE, cause=cause)
        lane = tx.lanes.lease(account, EVALUATE, owner="one", now=NOW, seconds=60)
        assert lane is not None
        assert lane.cause == kept
        tx.lanes.release(lane, is_done=True)
        tx.lanes.mark_dirty(account, EVALUATE, cause="stripe:evt_9")
        again = tx.lanes.lease(account, EVALUATE, owner="one", now=NOW, seconds=60)
    assert again is not None
    assert again.cause == "stripe:evt_9"


def test_a_lane_keeps_the_most_urgent_of_its_notices_until_it_is_done(store: UnitOfWork) -> None:
    account = open_account(store)
    with store.begin() as tx:
        for urgency in (Urgency.BULK, Urgency.VIP, Urgency.NORMAL):
            tx.lanes.mark_dirty(account, EVALUATE, urgency=urgency, cause="test")
        lane = tx.lanes.lease(account, EVALUATE, owner="one", now=NOW, seconds=60)
        assert lane is not None
        tx.lanes.release(lane, is_done=True)
        tx.lanes.mark_dirty(account, EVALUATE, urgency=Urgency.BULK, cause="test")
        again = tx.lanes.lease(account, EVALUATE, owner="one", now=NOW, seconds=60)

    assert lane.urgency is Urgency.VIP
    assert again is not None
    assert again.urgency is Urgency.BULK


def test_a_lane_that_was_put_off_is_taken_when_its_time_has_come(store: UnitOfWork) -> None:
    account = open_account(store)
    with store.begin() as tx:
        tx.lanes.mark_dirty(account, EVALUATE, cause="test")
        lane = tx.lanes.lease(account, EVALUATE, owner="one", now=NOW, seconds=60)
        assert lane is not None
        tx.lanes.release(lane, is_done=False, not_before=LATER)

        assert tx.lanes.lease(account, EVALUATE, owner="one", now=NOW, seconds=60) is None
        assert tx.lanes.next_wake() == LATER
        assert tx.lanes.lease(account, EVALUATE, owner="one", now=LATER, seconds=60) is not None


def test_a_clean_lane_cannot_be_leased(store: UnitOfWork) -> None:
    account = open_account(store)

    with store.begin() as tx:
        assert tx.lanes.lease(account, EVALUATE, owner="one", now=NOW, seconds=60) is None


# ------------------------------------------------------------ effects


def test_an_attempt_is_counted_before_anything_is_sent(store: UnitOfWork) -> None:
    effect = write(store, open_account(store))
    with store.begin() as tx:
        tx.effects.start([effect])

    with store.begin() as tx:
        found = tx.effects.by_id(effect)
    assert found is not None
    assert (found.state, found.attempts) == (EffectState.SENDING, 1)


def test_a_snapshot_is_never_replaced(store: UnitOfWork) -> None:
    effect = write(store, open_account(store))
    with store.begin() as tx:
        tx.effects.keep_snapshot(effect, {"advances": True})
        tx.effects.keep_snapshot(effect, {"advances": False})

    with store.begin() as tx:
        found = tx.effects.by_id(effect)
    assert found is not None
    assert found.snapshot == {"advances": True}


def test_an_effect_that_was_put_off_keeps_the_reason_in_sight(store: UnitOfWork) -> None:
    effect = write(store, open_account(store))
    with store.begin() as tx:
        tx.effects.put_off(effect, until=LATER, error=Transient("the line is dead"))

    with store.begin() as tx:
        found = tx.effects.by_id(effect)
    assert found is not None
    assert (found.state, found.not_before) == (EffectState.WAITING, LATER)
    assert found.last_error_code == "transient"


@pytest.mark.parametrize(
    ("state", "is_sent_again"),
    [
        (EffectState.DEAD, True),
        (EffectState.PARKED, True),
        (EffectState.DONE, False),
        (EffectState.WAITING, False),
        (EffectState.WITHDRAWN, False),
    ],
)
def test_only_what_is_stuck_can_be_replayed(
    store: UnitOfWork, state: EffectState, is_sent_again: bool
) -> None:
    effect = write(store, open_account(store), state)

    with store.begin() as tx:
        assert tx.effects.replay(effect) is is_sent_again


# ------------------------------------------------------------ alerts and cursors


def test_an_alert_is_raised_once_per_key_also_after_it_was_acknowledged(
    store: UnitOfWork,
) -> None:
    with store.begin() as tx:
        first = tx.audit.raise_alert("k", "words", rule="r", now=NOW, account=None)
        (alert,) = tx.audit.alerts()
        assert tx.audit.acknowledge(alert.id, by="admin", now=NOW)
        second = tx.audit.raise_alert("k", "words", rule="r", now=NOW, account=None)

    with store.begin() as tx:
        assert (first, second) == (True, False)
        assert tx.audit.alerts() == []


def test_a_cursor_is_where_it_was_left(store: UnitOfWork) -> None:
    with store.begin() as tx:
        assert tx.system.cursor("poll") is None
        tx.system.set_cursor("poll", "1", now=NOW)
        tx.system.set_cursor("poll", "2", now=NOW)

    with store.begin() as tx:
        assert tx.system.cursor("poll") == "2"
