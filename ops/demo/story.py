"""Who does what, when: four customers, five colleagues, two months."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from domain.holds import Quiet
from domain.ids import Ref
from ops.demo.crms import NAMES, Member
from ops.demo.ending import Check, Ends, settings_in_words
from ops.demo.narrator import Narrator
from ops.demo.observer import Observer
from ops.demo.stage import Stage
from ops.demo.tempo import Tempo

START = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)
"""A Monday morning, nine o'clock in New York."""
DAY = timedelta(days=1)
CLOSED_FIELDS = {"status": "paid", "quiet": "off", "due": None, "problem": None}


class Story:
    """The acts, in the order of their dates. Each leaves the world at rest."""

    def __init__(self, stage: Stage, narrator: Narrator) -> None:
        self._stage = stage
        self._crm = stage.crms[0]
        self._narrator = narrator
        self._observer = Observer(stage, narrator)
        self._tempo = Tempo(stage, after_each=self._observer.look)
        self.proofs: list[Check] = []
        self._before = {
            name: stage.stripe.settings(one.customer, one.subscription)
            for name, one in stage.accounts.items()
        }

    @property
    def steps(self) -> int:
        """How often the clock was moved."""
        return self._tempo.steps

    # ------------------------------------------------------------ the acts

    def two_renewals_fail(self) -> None:
        """Aurelius is intercepted and becomes a task; Brightwater stays with Stripe."""
        self._narrator.chapter("1. Two renewals fail: one VIP, one that Stripe handles alone")
        aurelius = self._stage.accounts["aurelius"]
        self._tempo.settle()
        self._tempo.go_to(on(2, 15, 45))
        task = self._crm.living_task(aurelius)
        screen = re.split(r"\n+Details", task.text)[0]
        what = f"What Morgan Vale sees in {self._crm.title}"
        self._narrator.show(what, f"{task.subject}\n\n{screen}")
        self._tell_certificate(aurelius)
        self._tempo.go_to(on(2, 16, 10))
        self._marks("morgan", aurelius, resolving=True)
        self._tell_certificate(aurelius)

    def nobody_acts(self) -> None:
        """Northgate's task is not touched, and walks the chain past somebody who has left."""
        self._narrator.chapter("2. Nobody acts on Northgate Capital, so it goes up the chain")
        northgate = self._stage.accounts["northgate"]
        self._narrator.aside(
            f"The chain: {', '.join(self._chain[:2])}, Tomas Lind (inactive in "
            f"{self._crm.title}), {self._chain[2]}."
        )
        self._tempo.go_to(on(4, 16, 0))
        self._narrator.tell(self._tempo.now, "Ines Okafor", "calls Northgate Capital")
        self._crm.talk("ines", northgate, "Called the CFO: new card today", self._tempo.now)
        self._pays(northgate)

    def noisy_to_quiet_and_back(self) -> None:
        """Halberd: Stripe's dunning runs until the CRM says stop, and goes on when it says go."""
        self._narrator.chapter("3. Halberd Cybersecurity: from noisy to quiet, and back")
        halberd, aurelius = self._stage.accounts["halberd"], self._stage.accounts["aurelius"]
        self._tempo.go_to(on(5, 16, 0))
        task = self._crm.living_task(halberd)
        self._narrator.tell(self._tempo.now, "Salma Haddad", "moves her task to Monday", task.where)
        self._crm.snooze("salma", task, date(2026, 11, 9))
        self._tempo.settle()
        self._tempo.go_to(on(9, 15, 0))
        noisy = self._settings(halberd)
        self._marks("salma", halberd, resolving=True)
        self._tell_certificate(halberd)
        mails, tries = self._mails(halberd), self._tries(halberd)
        self._tempo.go_to(on(10, 13, 0))
        brightwater = self._stage.accounts["brightwater"]
        self._narrator.tell(
            self._tempo.now, "Brightwater", "enters a new card after Stripe's fourth mail"
        )
        self._stage.stripe.do("customer_updates_card", customer=brightwater.customer)
        self._tempo.go_to(on(16, 15, 30))
        self._prove("Halberd: robotic mails while held", 0, self._mails(halberd) - mails)
        self._prove("Halberd: tries while held", 0, self._tries(halberd) - tries)
        self._marks("salma", halberd, resolving=False)
        self._compare("recorded before the hold", noisy, halberd)
        self._tempo.go_to(on(16, 20, 0))
        self._narrator.tell(
            self._tempo.now, "Halberd", "enters a new card; Stripe's own next try is tomorrow"
        )
        self._stage.stripe.do("customer_updates_card", customer=halberd.customer)
        self._tempo.go_to(on(17, 14, 0))
        said = self._crm.set_end("morgan", aurelius, date(2027, 1, 8))
        self._tell_edit("morgan", aurelius, said)

    def two_months(self) -> None:
        """Aurelius stays quiet through two more renewals."""
        self._narrator.chapter("4. Two months in resolution: Aurelius Partners hears nothing")
        aurelius, until = self._stage.accounts["aurelius"], on(4, 14, 0, month=1)
        tries, states = self._tries(aurelius), set()
        self._observer.is_brief = True
        while self._tempo.now < until:
            self._tempo.go_to(min(self._tempo.now + 7 * DAY, until), stride=3 * DAY)
            states.add(self._tell_certificate(aurelius, with_mails=True))
        self._observer.is_brief = False
        days = (until - START).days
        self._prove(f"Aurelius: Stripe over {days} days", ["quiet"], sorted(states))
        self._prove("Aurelius: tries while in resolution", 0, self._tries(aurelius) - tries)

    def the_money_arrives(self, at: datetime) -> None:
        """Aurelius pays; the task closes itself and everything is as it was found."""
        self._narrator.chapter("5. The money arrives")
        aurelius = self._stage.accounts["aurelius"]
        self._tempo.go_to(at)
        self._pays(aurelius)
        self._tempo.go_on(hours=4)
        self._compare("recorded before the failure", self._before["aurelius"], aurelius)

    # ------------------------------------------------------------ the ends

    def ends(self) -> tuple[Ends, ...]:
        """How the whole story must end."""
        return (
            self._end("aurelius", 3, mails=0, task_owners=("Morgan Vale",)),
            self._end("brightwater", 3, mails=4, task_owners=(), our_writes=0),
            self._end(
                "northgate",
                3,
                mails=0,
                task_owners=self._chain,
            ),
            self._end("halberd", 2, mails=2, task_owners=("Salma Haddad",)),
        )

    def short_ends(self) -> tuple[Ends, ...]:
        """How the short story must end: Brightwater's dunning has only begun."""
        brightwater = self._stage.accounts["brightwater"]
        failing = dict(self._before["brightwater"])
        failing[brightwater.subscription] = {
            **failing[brightwater.subscription],
            "status": "past_due",
        }
        invoice = self._stage.stripe.invoices(brightwater.customer)[-1]
        failing[invoice["number"]] = {
            "auto_advance": True,
            "collection_method": "charge_automatically",
            "metadata": {},
        }
        return (
            self._end("aurelius", 1, mails=0, task_owners=("Morgan Vale",)),
            Ends(
                member=brightwater,
                invoices=("open",),
                robotic_mails=1,
                settings=failing,
                fields={
                    **CLOSED_FIELDS,
                    "status": "failed",
                    "due": 49.0,
                },
                task_owners=(),
                our_writes=0,
            ),
        )

    def _end(
        self,
        name: str,
        paid: int,
        *,
        mails: int,
        task_owners: tuple[str, ...],
        our_writes: int | None = None,
    ) -> Ends:
        return Ends(
            member=self._stage.accounts[name],
            invoices=("paid",) * paid,
            robotic_mails=mails,
            settings=self._before[name],
            fields=CLOSED_FIELDS,
            task_owners=task_owners,
            our_writes=our_writes,
        )

    # ------------------------------------------------------------ hands and eyes

    @property
    def _chain(self) -> tuple[str, ...]:
        """Who gets Northgate's task in turn. HubSpot knows no managers: there the last recipient
        that was configured comes last."""
        last = "Ines Okafor" if self._crm.system == "salesforce" else "Billing Desk"
        return ("Priya Raman", "Felix Nordstrom", last)

    def _marks(self, person: str, member: Member, *, resolving: bool) -> None:
        said = self._crm.set_status(person, member, resolving=resolving)
        self._tell_edit(person, member, said)

    def _tell_edit(self, person: str, member: Member, said: str) -> None:
        where = self._crm.where(member)
        what = f"sets {said} on {member.name}"
        self._narrator.tell(self._tempo.now, NAMES[person], what, where)
        self._tempo.settle()

    def _pays(self, member: Member) -> None:
        open_invoices = [
            one["id"]
            for one in self._stage.stripe.invoices(member.customer)
            if one["status"] == "open"
        ]
        self._narrator.tell(
            self._tempo.now,
            member.name.split()[0],
            "enters a new card and pays what is open",
            self._stage.stripe.url,
        )
        self._stage.stripe.do("customer_updates_card", customer=member.customer)
        for invoice in open_invoices:
            self._stage.stripe.do("customer_pays", invoice=invoice)
        self._tempo.settle()
        self._tempo.go_on(minutes=1)

    def _settings(self, member: Member) -> Mapping[str, Any]:
        return self._stage.stripe.settings(member.customer, member.subscription)

    def _compare(self, since: str, before: Mapping[str, Any], member: Member) -> None:
        """What was recorded must be there again, value by value; invoices made since are new."""
        found = self._settings(member)
        now = {name: found.get(name) for name in before}
        self.proofs.append(
            Check(
                system="Stripe",
                what=f"{member.name}: after release, as {since}",
                expected=dict(before),
                actual=now,
                words=settings_in_words,
            )
        )
        said = "exactly as it was" if now == before else f"not as it was: {before}, now {now}"
        self._narrator.aside(
            f"Every Stripe setting of {member.name} is compared with the one {since}: {said}."
        )

    def _prove(self, what: str, expected: Any, actual: Any) -> None:
        self.proofs.append(Check(system="Story", what=what, expected=expected, actual=actual))

    def _tell_certificate(self, member: Member, *, with_mails: bool = False) -> str:
        with self._stage.store.begin() as tx:
            account = tx.links.account_of(Ref("stripe", "customer", member.customer))
            found = tx.cases.certificate(account) if account is not None else None
        if found is None or found.checked_at is None:
            return Quiet.UNKNOWN.value
        state = found.state.value.replace("_", " ")
        what = f"is {state} for {member.name}: {_count(found.invoices, 'invoice')}, "
        what += _count(found.subscriptions, "subscription")
        if with_mails:
            what += f"; {self._mails(member)} robotic mails so far"
        self._narrator.tell(found.checked_at, "Stripe", what)
        return state

    def _mails(self, member: Member) -> int:
        return len(self._stage.stripe.robotic(member.customer))

    def _tries(self, member: Member) -> int:
        return sum(one["attempt_count"] for one in self._stage.stripe.invoices(member.customer))


def on(day: int, hour: int, minute: int, *, month: int = 11) -> datetime:
    """A moment of the story, UTC."""
    return datetime(2027 if month < 11 else 2026, month, day, hour, minute, tzinfo=UTC)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
