"""The whole product, both vendors and a database, under anything that may happen in any order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import make_url

from connectors.kit.retry import Retry
from domain.holds import Quiet, SuppressionState
from ops.embedded import Engines
from simulators.hooks import DeliveryDial
from tests.journeys.quiet_scenes import charges, is_quiet_at_stripe, subscription_of
from tests.world import World, build

_numbers = itertools.count(1)
DAYS = st.integers(min_value=-2, max_value=30)


@pytest.fixture
def new_world(
    servers: Engines,
    admin: psycopg.Connection,
    template_database: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[], World]]:
    """Makes a world with a database of its own; the one before it is closed and dropped."""
    defaults = {**(Retry.__init__.__kwdefaults__ or {}), "sleep": lambda seconds: None}
    monkeypatch.setattr(Retry.__init__, "__kwdefaults__", defaults)
    made: list[tuple[World, str]] = []

    def drop() -> None:
        while made:
            world, name = made.pop()
            world.close()
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())

    def make() -> World:
        drop()
        name = f"{template_database}_machine_{next(_numbers)}"
        text = f'CREATE DATABASE "{name}" TEMPLATE "{template_database}" STRATEGY file_copy'
        admin.execute(text.encode())
        url = make_url(servers.database_url).set(database=name)
        world = build(url.render_as_string(hide_password=False), redis_url)
        made.append((world, name))
        return world

    yield make
    drop()


class Product(RuleBasedStateMachine):
    """One account in both systems. `runs` says whether the engine works between two steps."""

    new_world: Callable[[], World]

    def __init__(self) -> None:
        super().__init__()
        self.world = type(self).new_world()
        self.was_silent = False
        self.mails = 0

    @initialize(is_vip=st.booleans(), hours=st.sampled_from([1, 4]))
    def begin(self, is_vip: bool, hours: int) -> None:
        if is_vip:
            self.customer, self.account = self.world.vip()
        else:
            self.customer, self.account = self.world.vip("Northgate", amount=60_000, CSM__c=None)
        self.world.hours(hours)
        self._look()

    # ------------------------------------------------------------ people and vendors

    @rule(loss=st.sampled_from([0.0, 0.5, 1.0]), copies=st.integers(1, 3), late=st.booleans())
    def the_post_changes(self, loss: float, copies: int, late: bool) -> None:
        for post in (self.world.stripe.postman, self.world.org.postman):
            post.dial = DeliveryDial(
                loss=loss, copies=copies, shuffle=True, delay_seconds=600.0 if late else 0.0
            )

    @rule(word=st.sampled_from([None, "In Resolution", "Released"]), day=DAYS, dated=st.booleans())
    def the_csm_sets_clears_or_extends_the_word(
        self, word: str | None, day: int, dated: bool
    ) -> None:
        until = self._day(day) if dated and word else None
        self.world.csm(self.account, Dunning_Status__c=word, Dunning_Hold_Until__c=until)
        self._step()

    @rule(day=DAYS, given=st.booleans())
    def the_csm_notes_a_promise(self, day: int, given: bool) -> None:
        self.world.csm(self.account, Dunning_Promise_Date__c=self._day(day) if given else None)
        self._step()

    @precondition(lambda self: self._living())
    @rule(outcome=st.sampled_from([None, "Reached - will pay", "No answer"]))
    def the_csm_completes_the_task(self, outcome: str | None) -> None:
        person = self.world.org.human(self.world.people["csm"])
        person.complete_task(self._living()[0]["Id"], outcome)
        self._step()

    @precondition(lambda self: self._living())
    @rule(day=DAYS)
    def the_csm_snoozes_the_task(self, day: int) -> None:
        person = self.world.org.human(self.world.people["csm"])
        person.update("Task", self._living()[0]["Id"], {"ActivityDate": self._day(day)})
        self._step()

    @rule(advances=st.booleans(), paused=st.booleans())
    def a_colleague_drifts(self, advances: bool, paused: bool) -> None:
        self.was_silent = False
        for invoice in self.world.stripe.invoices(self.customer, "open"):
            self.world.stripe.dashboard_update_invoice(invoice["id"], auto_advance=advances)
        subscription = subscription_of(self.world, self.customer)
        now = self.world.stripe.state()["objects"]["subscription"][subscription]
        if not paused and now["status"] != "canceled":
            self.world.stripe.dashboard_update_subscription(subscription, pause_collection=None)
        self._step()

    @rule(works=st.booleans())
    def the_card_changes(self, works: bool) -> None:
        card = "good" if works else "declines:insufficient_funds"
        self.world.stripe.customer_updates_card(self.customer, card)
        self._step()

    @precondition(lambda self: self.world.stripe.invoices(self.customer, "open"))
    @rule()
    def the_customer_pays(self) -> None:
        invoice = self.world.stripe.invoices(self.customer, "open")[0]["id"]
        self.world.stripe.customer_pays(invoice, card="good")
        self._step()

    # ------------------------------------------------------------ the engine and the clock

    @rule(hours=st.integers(min_value=1, max_value=30))
    def time_goes_by(self, hours: int) -> None:
        self.world.hours(hours)
        self._look()

    @rule(days=st.integers(min_value=1, max_value=12))
    def time_goes_by_while_we_are_down(self, days: int) -> None:
        self.world.advance(timedelta(days=days), settle=False)
        self._nothing_automatic_left()

    @rule()
    def the_engine_runs(self) -> None:
        self.world.settle()
        self._look()

    def _step(self) -> None:
        self._nothing_automatic_left()

    def _look(self) -> None:
        self._nothing_automatic_left()
        case = self.world.case(self.customer)
        held = case is not None and case.quieted_at is not None
        self.was_silent = held and is_quiet_at_stripe(self.world, self.customer)

    def _nothing_automatic_left(self) -> None:
        """Once it was silent, no mail of Stripe's leaves before a person makes it loud."""
        mails = len(self.world.robotic(self.customer))
        assert mails == self.mails or not self.was_silent
        self.mails = mails

    # ------------------------------------------------------------ the end

    def teardown(self) -> None:
        """Everything arrives, every net is thrown once: now the end must make sense."""
        self.was_silent = False
        for post in (self.world.stripe.postman, self.world.org.postman):
            post.dial = DeliveryDial()
        for _ in range(2):
            self.world.settle()
            for name in self.world.runtime.schedules():
                self.world.runtime.upkeep(name)
            self.world.advance(timedelta(minutes=15))
        self._one_task_for_an_open_case_and_none_for_a_closed_one()
        self._who_is_held_has_somebody_and_a_next_time()
        self._the_certificate_is_the_truth()
        self._the_ledger_is_the_truth()
        self._nobody_was_charged_twice()
        with self.world.runtime.store.begin() as tx:
            assert tx.effects.stuck() == []

    def _one_task_for_an_open_case_and_none_for_a_closed_one(self) -> None:
        case = self.world.case(self.customer)
        wanted = [case.key] if case and case.is_open and case.state.needs_person else []
        assert [task["Dunning_Key__c"] for task in self._living()] == wanted
        if case is None or not case.is_open:
            assert self.world.tasks(self.account, open_only=True) == []

    def _who_is_held_has_somebody_and_a_next_time(self) -> None:
        case = self.world.case(self.customer)
        if case is None or case.quieted_at is None:
            return
        assert case.state.needs_person
        assert case.assignee_id
        assert case.due_on
        with self.world.runtime.store.begin() as tx:
            timers = tx.cases.timers(self.world.account(self.customer))
        now = self.world.clock.now()
        assert timers
        assert all(now < timer.due <= now + timedelta(days=91) for timer in timers)

    def _the_certificate_is_the_truth(self) -> None:
        case, certificate = self.world.case(self.customer), self.world.certificate(self.customer)
        assert certificate is not None
        if case is not None and case.quieted_at is not None:
            assert is_quiet_at_stripe(self.world, self.customer)
            assert certificate.state is Quiet.QUIET
        else:
            assert certificate.state is Quiet.OFF

    def _the_ledger_is_the_truth(self) -> None:
        for row in self.world.ledger(self.customer).values():
            found = self.world.stripe.get(row.subject.partition(":")[2])
            is_settled = found["status"] in ("paid", "void", "uncollectible", "canceled")
            has_note = "kidglove_hold" in found["metadata"]
            if row.subject.startswith("invoice:"):
                is_off = found["auto_advance"] is False
            else:
                is_off = found["pause_collection"] is not None
            match row.state:
                case SuppressionState.QUIET:
                    assert is_off or is_settled
                case SuppressionState.RESTORED:
                    assert not has_note
                case SuppressionState.WANTED:
                    raise AssertionError(f"{row.subject} is still wanted after everything settled")
                case SuppressionState.FOREIGN:
                    assert not has_note or self._is_held()
                case SuppressionState.MOOT:
                    assert is_settled

    def _nobody_was_charged_twice(self) -> None:
        paid = [one["payment_intent"] for one in charges(self.world, self.customer, paid=True)]
        assert len(paid) == len(set(paid))

    # ------------------------------------------------------------ looks

    def _is_held(self) -> bool:
        case = self.world.case(self.customer)
        return case is not None and case.quieted_at is not None

    def _living(self) -> list[dict[str, Any]]:
        tasks = self.world.tasks(self.account, open_only=True)
        return [task for task in tasks if "-e" not in task["Dunning_Key__c"]]

    def _day(self, offset: int) -> date:
        return (self.world.clock.now() + timedelta(days=offset)).date()


@pytest.mark.timeout(600)
@pytest.mark.req("R72", partly="the personal mail itself leaves from the CSM's own mailbox")
@pytest.mark.req("R37")
@pytest.mark.req("R73")
def test_whatever_happens_in_whatever_order_the_end_makes_sense(
    new_world: Callable[[], World],
) -> None:
    machine = type("Product", (Product,), {"new_world": staticmethod(new_world)})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=10,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
