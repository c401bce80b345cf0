"""What the console and the gauges show of the store."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.effects import Effect, EffectKind
from domain.ids import Ref
from domain.ports import Incoming
from domain.rows import EVALUATE, EffectState
from store.unit_of_work import UnitOfWork

NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


def test_messages_are_counted_by_state(store: UnitOfWork) -> None:
    odd = Incoming(source="s", key="2", topic="t", body=b"", problem="it is odd")
    with store.begin() as tx:
        tx.inbox.store([Incoming(source="s", key="1", topic="t", body=b""), odd], NOW)

    with store.begin() as tx:
        assert tx.inbox.counts() == {"new": 1, "quarantined": 1}


def test_dirty_lanes_are_counted_by_kind(store: UnitOfWork) -> None:
    with store.begin() as tx:
        account = tx.links.open_account(Ref("s", "customer", "1"), now=NOW)
        tx.lanes.mark_dirty(account, EVALUATE, cause="test")
        tx.lanes.mark_dirty(account, "crm", cause="test")

    with store.begin() as tx:
        assert tx.lanes.dirty_count() == {EVALUATE: 1, "crm": 1}


def test_effects_are_counted_by_state(store: UnitOfWork) -> None:
    with store.begin() as tx:
        account = tx.links.open_account(Ref("s", "customer", "1"), now=NOW)
        tx.effects.add(
            account,
            Effect(kind=EffectKind.PAY_INVOICE, subject="invoice:1", key="k"),
            case_id=None,
            system="payments",
            state=EffectState.WAITING,
            cause="test",
            config_version="policy@1",
            now=NOW,
        )

    with store.begin() as tx:
        assert tx.effects.counts() == {"waiting": 1}


def test_open_circuits_are_told_with_their_reason(store: UnitOfWork) -> None:
    with store.begin() as tx:
        assert tx.system.open_circuits() == {}
        assert tx.system.open_circuit("crm", reason="it refuses our key", now=NOW)
        assert not tx.system.open_circuit("crm", reason="again", now=NOW)

    with store.begin() as tx:
        assert tx.system.open_circuits() == {"crm": "it refuses our key"}
        assert tx.system.close_circuit("crm")
        assert tx.system.open_circuits() == {}
