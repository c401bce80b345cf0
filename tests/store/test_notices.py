"""Whose records many hints name, what hangs on news of them, and how soon they are judged."""

from __future__ import annotations

import pytest

from domain.case import Case
from domain.ids import Ref
from domain.ports import Hint
from domain.rows import EVALUATE, Stance, Standing, Urgency
from store.unit_of_work import UnitOfWork
from sync.linking import CUSTOMER
from sync.notices import Notice, mark_noticed, urgency_of
from tests.races.stage import NOW, case, open_account

QUIET = Standing(wants_quiet=True)
VIP = Standing(intercepts=True)
HANDLED = Standing(has_case=True)


def hint(kind: str, id: str = "1") -> Hint:
    return Hint(ref=Ref("crm", kind, id), topic="changed", event_id=id)


@pytest.mark.parametrize(
    ("standing", "kind", "urgency"),
    [
        (Standing(), CUSTOMER, Urgency.NORMAL),
        (Standing(), "account", Urgency.BULK),
        (HANDLED, CUSTOMER, Urgency.NORMAL),
        (HANDLED, "account", Urgency.NORMAL),
        (VIP, CUSTOMER, Urgency.VIP),
        (VIP, "account", Urgency.NORMAL),
        (QUIET, CUSTOMER, Urgency.VIP),
        (QUIET, "account", Urgency.VIP),
    ],
)
def test_news_is_as_urgent_as_what_hangs_on_it(
    standing: Standing, kind: str, urgency: Urgency
) -> None:
    assert urgency_of(standing, hint(kind)) is urgency


def test_of_many_records_only_those_of_an_account_are_known(store: UnitOfWork) -> None:
    account = open_account(store)
    ours, other_kind = Ref("crm", "account", "1"), Ref("crm", "contact", "1")
    rejected, nobodys = Ref("crm", "account", "2"), Ref("crm", "account", "3")
    with store.begin() as tx:
        tx.links.link(account, ours, now=NOW)
        tx.links.quarantine(rejected, account=account, reason="test", now=NOW)

        assert tx.links.accounts_of([ours, other_kind, rejected, nobodys, ours]) == {ours: account}
        assert tx.links.accounts_of([]) == {}


def test_what_hangs_on_news_is_what_was_last_judged(store: UnitOfWork) -> None:
    new, held, handled = (open_account(store, number) for number in range(3))
    with store.begin() as tx:
        tx.cases.take_stance(
            held, Stance(wants_quiet=True, intercepts=True, evaluated_at=NOW), None
        )
        opened: Case = case(handled)
        tx.cases.save(opened, before=None)

        assert tx.known.standings([new, held, handled]) == {
            new: Standing(),
            held: Standing(wants_quiet=True, intercepts=True),
            handled: Standing(has_case=True),
        }


def test_of_several_notices_of_an_account_the_most_urgent_counts_and_the_last_is_told(
    store: UnitOfWork,
) -> None:
    account = open_account(store)
    with store.begin() as tx:
        mark_noticed(
            tx,
            [
                Notice(account=account, hint=hint(CUSTOMER), cause="crm:1 customer"),
                Notice(account=account, hint=hint("account", "2"), cause="crm:2 account"),
            ],
        )
        lane = tx.lanes.lease(account, EVALUATE, owner="test", now=NOW, seconds=60)

    assert lane is not None
    assert (lane.urgency, lane.cause, lane.seq) == (Urgency.NORMAL, "crm:2 account", 1)
