"""Five hundred failed VIP payments under the shipped policy, in a world where much goes wrong.

One account and the real decisions at a time: workers die in the middle of a judgement, messages get
lost, both vendors fail for a while, and people do as they like or nothing. What must not happen
does not happen once: an automatic mail to somebody who is held, or an invoice that nobody has.

Two things nobody can promise. A renewal of which we hear only after Stripe has tried it, an hour
later: here the first look falls into that hour, by message or by poll. And what a colleague
switches on again by hand while a retry is overdue: Stripe may act on it before anybody hears of it;
here its message arrives at once.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from domain.case import CaseState
from domain.effects import Effect, EffectKind
from domain.facts import Pause, Role
from domain.policy import Automation, Policy
from domain.situation import Decision
from tests.unit.slim import CSM, OPS, OWNER, Slim, policy_of

FAILURES = 500
TOLD = {CSM.id, OWNER.id, OPS.id}
SAFE_TO_REPEAT = (
    EffectKind.QUIET_INVOICE,
    EffectKind.QUIET_SUBSCRIPTION,
    EffectKind.RESTORE_INVOICE,
    EffectKind.RESTORE_SUBSCRIPTION,
    EffectKind.KEEP_TASK,
)
"""What sets something to a value. What moves money is protected by a key at the vendor."""


class Died(Exception):
    """The worker is gone; what it had committed stays, what it was about to do is not done."""


@dataclass
class Mortal(Slim):
    """The slim world with workers that die between two steps, before or after an act."""

    luck: random.Random = field(default_factory=random.Random)
    deaths: int = 0

    def send(self, effect: Effect) -> bool:
        chance = self.luck.random()
        if chance < 0.05:
            raise Died
        row = self.ledger.get(effect.subject)
        is_sent = super().send(effect)
        if is_sent and chance < 0.1 and effect.kind in SAFE_TO_REPEAT:
            # It acted, and died before it could write that down.
            self.keys.discard(effect.key)
            if row is not None:
                self.ledger[effect.subject] = row
            raise Died
        return is_sent

    def run(self, rounds: int = 12) -> Decision:
        while True:
            try:
                return super().run(rounds)
            except Died:
                self.deaths += 1


@dataclass
class Story:
    """One failure from the renewal on, and what went wrong in it."""

    world: Mortal
    luck: random.Random
    silent: int = 0
    seen: Counter[str] = field(default_factory=Counter)

    def play(self) -> None:
        self.world.renew()
        self._is_heard()
        for _ in range(self.luck.choice((2, 3, 3))):
            happening = self.luck.choice(HAPPENINGS)
            self.seen[happening] += 1
            getattr(self, f"_{happening}")()
            self._time_goes_by()
        if self.luck.random() < 0.3:
            self.seen["paid"] += 1
            self.world.pay()
        self._everything_works()
        self.world.run()
        self._look()

    # ------------------------------------------------------------ what happens

    def _is_heard(self) -> None:
        """By its message, or by one of the next polls."""
        self._nobody_runs(timedelta(minutes=self.luck.choice((0, 1, 5, 20, 45))))
        self.world.run()
        self.world.pass_time(timedelta(hours=self.luck.choice((1, 2, 6))))

    def _nobody_acts(self) -> None:
        self.world.days(1)

    def _somebody_says_a_word(self) -> None:
        days = self.luck.choice((None, 1, 3, 8))
        until = (self.world.now + timedelta(days=days)).date() if days else None
        word = self.luck.choice(("In Resolution", "In Resolution", "Waiting for legal", "Released"))
        self.world.say(word, until if word != "Released" else None)

    def _the_word_is_cleared(self) -> None:
        self.world.say(None)

    def _somebody_is_promised_a_day(self) -> None:
        day = self.world.now + timedelta(days=self.luck.randrange(-1, 6))
        self.world.set_crm(promise=day.date())

    def _the_task_is_completed(self) -> None:
        if self._has_a_task():
            self.world.edit_task(is_closed=True)

    def _the_task_is_put_off(self) -> None:
        if self._has_a_task():
            day = self.world.now + timedelta(days=self.luck.randrange(1, 10))
            self.world.edit_task(due_on=day.date())

    def _the_task_is_deleted(self) -> None:
        if self._has_a_task():
            del self.world.tasks[self.world.task().key]

    def _the_csm_goes_away(self) -> None:
        people = {Role.CSM: replace(CSM, is_away=True), Role.OWNER: OWNER}
        self.world.set_crm(people=people)

    def _a_colleague_switches_the_invoice_back(self) -> None:
        if self._was_tried():
            self.world.change("in_1", advances=True)
            self.world.run()

    def _a_colleague_resumes_the_subscription(self) -> None:
        self.world.change("sub_1", pause=None)

    def _a_colleague_pauses_in_another_way(self) -> None:
        self.world.change("sub_1", pause=Pause(behavior="void"))

    def _the_crm_does_not_answer(self) -> None:
        self.world.crm_down = "503 from the CRM"

    def _stripe_does_not_answer(self) -> None:
        self.world.stripe_down = "503 from Stripe"

    def _stripe_refuses_to_be_written(self) -> None:
        refused = self.luck.choice(SAFE_TO_REPEAT[:-1])
        self.world.refuses = lambda effect: effect.kind is refused

    def _we_are_down(self) -> None:
        self._nobody_runs(timedelta(hours=self.luck.choice((3, 20, 50))))

    # ------------------------------------------------------------ the engine and the clock

    def _time_goes_by(self) -> None:
        """Whatever happened is heard of within minutes; what failed works again within hours."""
        self._nobody_runs(timedelta(minutes=self.luck.choice((0, 1, 10))))
        self.world.run()
        self.world.pass_time(timedelta(hours=self.luck.choice((1, 3))))
        self._everything_works()
        self.world.days(self.luck.choice((0.2, 0.5, 1, 2)))
        self._look()

    def _nobody_runs(self, span: timedelta) -> None:
        self.world.pass_time(span, running=False)

    def _everything_works(self) -> None:
        self.world.crm_down = self.world.stripe_down = None
        self.world.refuses = lambda effect: False

    # ------------------------------------------------------------ what must not be

    def _look(self) -> None:
        """Count what is open and in nobody's hands although everything works."""
        world, case = self.world, self.world.case
        self.silent += self._is_silent()
        self.seen["looks"] += 1
        self.seen["hops"] += any("-e" in key for key in world.tasks)
        if case is not None:
            self.seen[case.state.value] += 1

    def _is_silent(self) -> bool:
        world, case = self.world, self.world.case
        if world.invoices["in_1"].status.is_settled:
            return False
        if case is None or not case.is_open or case.state is CaseState.WATCHING:
            return True
        living = [one for one in world.tasks.values() if not one.is_closed and "-e" not in one.key]
        is_somebodys = case.assignee_id in TOLD and [one.key for one in living] == [case.key]
        is_looked_at = any(timer.due > world.now for timer in world.timers)
        ends = [
            case.window_ends_at,
            case.word.until if case.word else None,
            case.promise.until if case.promise else None,
        ]
        is_over = any(end is not None and end < world.now for end in ends)
        return is_over or not (is_somebodys and case.due_on and is_looked_at)

    def _has_a_task(self) -> bool:
        case = self.world.case
        return case is not None and case.key in self.world.tasks

    def _was_tried(self) -> bool:
        return self.world.invoices["in_1"].attempted


HAPPENINGS = tuple(
    name.removeprefix("_")
    for name in vars(Story)
    if name.startswith(("_nobody_acts", "_somebody", "_the_", "_a_", "_stripe", "_we_are"))
)


def played(number: int, policy: Policy, *, failures: int) -> list[Story]:
    """So many stories, the same for the same number."""
    luck = random.Random(number)
    stories = [Story(world=Mortal(policy=policy, luck=luck), luck=luck) for _ in range(failures)]
    for story in stories:
        story.play()
    return stories


@pytest.mark.timeout(300)
@pytest.mark.req("R39")
def test_five_hundred_vip_failures_bring_no_robotic_mail_and_leave_no_invoice_in_silence() -> None:
    stories = played(20_261_121, policy_of("default"), failures=FAILURES)

    robotic = sum(len(story.world.mails) for story in stories)
    silent = sum(story.silent for story in stories)
    ours = [[id for _, id, by in story.world.charges if by == "manual"] for story in stories]
    seen = sum((story.seen for story in stories), Counter[str]())
    assert (robotic, silent) == (0, 0)
    assert all(len(ids) == len(set(ids)) for ids in ours), "somebody was charged twice"
    assert {*HAPPENINGS, "hops", "paid", "with_person", "in_resolution", "promised"} <= seen.keys()
    assert sum(story.world.deaths for story in stories) > FAILURES


def test_the_same_stories_without_a_hold_are_full_of_robotic_mails() -> None:
    policy = policy_of("default")
    first, *others = policy.tiers
    loud = replace(policy, tiers=(replace(first, automation=Automation.PARALLEL), *others))

    stories = played(20_261_121, loud, failures=20)

    assert sum(len(story.world.mails) for story in stories) > 20
