"""Anything in any order, judged or not: whatever happened, the end must make sense.

One account and `decide`, hundreds of steps a second.
"""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from domain.effects import EffectKind
from domain.facts import InvoiceStatus, Pause, Subscription, SubscriptionStatus
from domain.holds import Quiet
from tests.unit.slim import OWNER, Slim
from tests.unit.slim_billing import usd

DAYS = st.integers(min_value=-3, max_value=60)
WORDS = st.sampled_from([None, "In Resolution", "Released", "Waiting for legal"])


class AnyStory(RuleBasedStateMachine):
    """Stripe, the CSM, a colleague in the Dashboard, outages and the clock, as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.world = Slim()
        self.bills = 0
        self.parked_by_people: set[str] = set()
        self.refused: set[EffectKind] = set()

    @initialize(is_vip=st.booleans(), begins=st.sampled_from(["renewed", "failed", "held"]))
    def begin(self, is_vip: bool, begins: str) -> None:
        if not is_vip:
            self.world = Slim(mrr=60_000, csm=None)
        self.world.refuses = lambda effect: effect.kind in self.refused
        self.a_period_ends(judged=True)
        if begins != "renewed":
            self.world.pass_time(timedelta(hours=2))
        if begins == "held":
            self.world.say("In Resolution")
            self.world.run()

    # ------------------------------------------------------------ what happens

    @rule(judged=st.booleans())
    def a_period_ends(self, judged: bool) -> None:
        live = [one for one in self.world.subscriptions.values() if one.status.is_live]
        if not live or self.bills >= 5:
            return
        self.bills += 1
        id = self.world.renew(f"in_{self.bills}", subscription=live[0].id)
        if live[0].pause is not None and live[0].pause.behavior != "keep_as_draft":
            self.parked_by_people.add(id)
        if judged:
            self.world.run()

    @rule()
    def an_invoice_fails_before_anybody_sees_it(self) -> None:
        if self.bills < 5:
            self.bills += 1
            self.world.fail(f"in_{self.bills}")

    @rule(works=st.booleans())
    def the_card_changes(self, works: bool) -> None:
        self.world.card_works = works

    @precondition(lambda self: self.open())
    @rule(choice=st.integers(min_value=0, max_value=9))
    def a_customer_pays(self, choice: int) -> None:
        self.world.pay(self.open()[choice % len(self.open())])

    @precondition(lambda self: self.open())
    @rule(choice=st.integers(min_value=0, max_value=9), is_void=st.booleans())
    def a_colleague_ends_an_invoice(self, choice: int, is_void: bool) -> None:
        status = InvoiceStatus.VOID if is_void else InvoiceStatus.UNCOLLECTIBLE
        id = self.open()[choice % len(self.open())]
        self.world.change(id, status=status, advances=False)

    @rule(word=WORDS, day=DAYS, dated=st.booleans())
    def the_csm_sets_the_word(self, word: str | None, day: int, dated: bool) -> None:
        self.world.say(word, self.day(day) if dated and word else None)

    @rule(day=DAYS, given=st.booleans())
    def the_csm_notes_a_promise(self, day: int, given: bool) -> None:
        self.world.set_crm(promise=self.day(day) if given else None)

    @precondition(lambda self: self.living())
    @rule()
    def the_csm_completes_the_task(self) -> None:
        self.world.edit_task(is_closed=True)

    @precondition(lambda self: self.living())
    @rule(day=DAYS)
    def the_csm_snoozes_or_gives_it_on(self, day: int) -> None:
        self.world.edit_task(due_on=self.day(day), owner_id=OWNER.id)

    @precondition(lambda self: self.unsettled())
    @rule(choice=st.integers(min_value=0, max_value=9), advances=st.booleans())
    def a_colleague_switches_an_invoice(self, choice: int, advances: bool) -> None:
        id = self.unsettled()[choice % len(self.unsettled())]
        if self.world.invoices[id].advances is advances:
            return
        self.world.change(id, advances=advances)
        (self.parked_by_people.discard if advances else self.parked_by_people.add)(id)

    @rule(pause=st.sampled_from([None, "void", "mark_uncollectible"]))
    def a_colleague_pauses_or_resumes_collection(self, pause: str | None) -> None:
        if self.world.subscriptions["sub_1"].status.is_live:
            self.world.change("sub_1", pause=Pause(behavior=pause) if pause else None)

    @rule()
    def a_colleague_cancels(self) -> None:
        if self.world.subscriptions["sub_1"].status.is_live and self.bills:
            self.world.cancel()

    @rule()
    def a_second_subscription_begins(self) -> None:
        self.world.subscriptions["sub_2"] = Subscription(
            id="sub_2", status=SubscriptionStatus.ACTIVE, mrr=usd(9_000)
        )

    @rule(is_down=st.booleans())
    def the_crm_goes_or_comes(self, is_down: bool) -> None:
        self.world.crm_down = "503 from the CRM" if is_down else None

    @rule(is_down=st.booleans())
    def stripe_cannot_be_read_or_can(self, is_down: bool) -> None:
        self.world.stripe_down = "503 from Stripe" if is_down else None

    @rule(kinds=st.sets(st.sampled_from(list(EffectKind)), max_size=2))
    def stripe_refuses_some_writes(self, kinds: set[EffectKind]) -> None:
        self.refused = kinds - {EffectKind.KEEP_TASK, EffectKind.ALERT}

    @rule()
    def the_engine_runs(self) -> None:
        self.world.run()

    @rule(hours=st.integers(min_value=1, max_value=72))
    def time_goes_by(self, hours: int) -> None:
        self.world.pass_time(timedelta(hours=hours))

    @rule(hours=st.integers(min_value=1, max_value=24 * 40))
    def time_goes_by_while_we_are_down(self, hours: int) -> None:
        self.world.pass_time(timedelta(hours=hours), running=False)

    # ------------------------------------------------------------ what must be true

    @rule()
    def everything_settles(self) -> None:
        """All faults end and the engine comes to rest: now the end must make sense."""
        self.world.crm_down = self.world.stripe_down = None
        self.refused = set()
        self.world.run()
        self.world.run()
        self._one_task_for_an_open_case_and_none_for_a_closed_one()
        self._who_is_held_has_somebody_and_a_next_time()
        self._the_certificate_is_the_truth()
        self._what_is_not_held_is_as_people_left_it()
        self._nobody_was_tried_twice_by_us()
        self._silence_lasts()

    def _one_task_for_an_open_case_and_none_for_a_closed_one(self) -> None:
        case, living = self.world.case, self.living()
        wanted = [case.key] if case and case.is_open and case.state.needs_person else []
        assert living == wanted
        open_hops = [one for one in self.world.tasks.values() if not one.is_closed]
        assert not open_hops or (case and case.is_open)

    def _who_is_held_has_somebody_and_a_next_time(self) -> None:
        case = self.world.case
        if not self.is_held():
            return
        assert case is not None
        assert case.state.needs_person
        assert case.assignee_id
        assert case.due_on
        latest = self.world.now + timedelta(days=91)
        assert self.world.timers
        assert all(self.world.now < timer.due <= latest for timer in self.world.timers)

    def _the_certificate_is_the_truth(self) -> None:
        certificate = self.world.certificate
        assert certificate is not None
        if self.is_held():
            assert certificate.state is (Quiet.NOT_QUIET if self.world.is_loud() else Quiet.QUIET)
            assert certificate.state is Quiet.QUIET
        else:
            assert certificate.state is Quiet.OFF

    def _what_is_not_held_is_as_people_left_it(self) -> None:
        if self.is_held():
            return
        for one in self.world.subscriptions.values():
            if one.status.is_live:
                assert one.mark is None
                assert one.pause is None or one.pause.behavior != "keep_as_draft"
        for invoice in self.world.invoices.values():
            row = self.world.ledger.get(f"invoice:{invoice.id}")
            is_taken = row is not None and row.is_ours and row.is_intercept
            if invoice.status.is_settled or is_taken:
                continue
            assert invoice.mark is None
            ended = self.world.subscriptions[invoice.subscription or ""].status
            is_off = invoice.id in self.parked_by_people or not ended.is_live
            assert invoice.advances or is_off, f"{invoice.id} is parked for ever"

    def _nobody_was_tried_twice_by_us(self) -> None:
        ours = [id for _, id, by in self.world.charges if by == "manual"]
        assert len(ours) == len(set(ours))

    def _silence_lasts(self) -> None:
        if not self.is_held():
            return
        mails, charges = len(self.world.mails), len(self.world.charges)
        case = self.world.case
        self.world.pass_time(timedelta(hours=5))
        if self.is_held() and self.world.case == case:
            assert (len(self.world.mails), len(self.world.charges)) == (mails, charges)

    def teardown(self) -> None:
        self.everything_settles()

    # ------------------------------------------------------------ looks

    def is_held(self) -> bool:
        return self.world.case is not None and self.world.case.quieted_at is not None

    def open(self) -> list[str]:
        return [one.id for one in self.world.invoices.values() if one.status is InvoiceStatus.OPEN]

    def unsettled(self) -> list[str]:
        return [one.id for one in self.world.invoices.values() if not one.status.is_settled]

    def living(self) -> list[str]:
        return [
            task.key
            for task in self.world.tasks.values()
            if not task.is_closed and "-e" not in task.key
        ]

    def day(self, offset: int) -> date:
        return (self.world.now + timedelta(days=offset)).date()


TestAnyStory = AnyStory.TestCase
TestAnyStory.settings = settings(
    max_examples=60,
    stateful_step_count=14,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
