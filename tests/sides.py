"""Both CRMs behind one set of verbs, so that one story can be played on either.

A side is what a CSM does and sees; what the vendor calls its fields stays in `side_salesforce` and
`side_hubspot`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from simulators.faults import FaultDial
from simulators.hooks import Postman


@dataclass(frozen=True, kw_only=True)
class SeenTask:
    """One of our tasks, as somebody looking at the CRM sees it."""

    id: str
    key: str
    subject: str
    body: str
    """The body as it is stored."""
    text: str
    """The body as it is read: a line for each line on the screen."""
    owner: str
    """The owner's name."""
    contact: str | None
    due: date
    made_at: datetime
    is_done: bool
    is_high: bool
    is_call: bool


@dataclass(frozen=True, kw_only=True)
class SeenFields:
    """What we keep on the account, in words that both CRMs share."""

    status: str | None
    quiet: str | None
    amount: float | None


class Side(Protocol):
    """One CRM in the hands of its people: csm, owner, manager and fallback."""

    system: str
    title: str
    """What people call this CRM."""
    phone: str
    city: str
    site: str
    """What this CRM calls an account's telephone, its town and its website."""
    status: str
    """Our payment status by the CRM's own name."""
    calls_to_write: int
    """How many calls it takes to write an account and its task."""
    misses_a_task_after: timedelta
    """How long after its deletion a task of ours is missed at the latest."""

    @property
    def people(self) -> dict[str, str]: ...

    @property
    def faults(self) -> FaultDial: ...

    @property
    def postman(self) -> Postman: ...

    # ------------------------------------------------------------ what is on record

    def add_account(self, name: str, *, customer: str | None, **details: Any) -> str:
        """An account of the owner's and the CSM's. The details are our words for what a mapping
        may show: csm, health, health_at, cs_tier, expansion, renewal_call, contract, contract_end,
        and override (`always` or `never`)."""
        ...

    def set(self, account: str, **details: Any) -> None:
        """The CSM changes details of an account, or which `customer` it is."""
        ...

    def add_person(self, name: str, *, zone: str) -> str:
        """A colleague who works in that zone."""
        ...

    def add_payer(self, account: str, first: str, last: str, mail: str) -> str:
        """The contact who pays the account's invoices."""
        ...

    def add_ticket(self, account: str, title: str) -> None: ...

    def add_meeting(self, account: str, title: str, at: datetime) -> None:
        """A meeting of the CSM's with the customer."""
        ...

    # ------------------------------------------------------------ what the CSM says

    def say(self, account: str, word: str | None, *, until: date | None = None) -> None:
        """The CSM sets the status: `held`, `released`, another word, or None."""
        ...

    def promise(self, account: str, day: date | None) -> None: ...

    def edit(self, account: str, field: str, value: str | None) -> None:
        """The CSM types something into a field of the account, by the CRM's own name."""
        ...

    def overwrite_status(self, account: str, status: str) -> None:
        """The CSM puts another value into our payment status: `current`."""
        ...

    def value(self, account: str, field: str) -> Any:
        """What stands in a field of the account; None if nothing does."""
        ...

    def row(self, account: str) -> dict[str, Any]:
        """Everything that the CRM shows of an account, stamps included."""
        ...

    def keep_messages(self, *, kept: bool) -> None:
        """Keep what this CRM has to tell, or let it go."""
        ...

    # ------------------------------------------------------------ tasks

    def tasks(self, account: str) -> list[SeenTask]:
        """Our tasks of an account, oldest first."""
        ...

    def every_task(self) -> list[SeenTask]:
        """Our tasks, whatever they hang on, oldest first."""
        ...

    def copied(self, task: SeenTask, account: str, *, key: bool) -> str:
        """Another integration mirrors a task of the other CRM into this one, with its key or
        without; returns the id of the copy."""
        ...

    def task_row(self, id: str) -> dict[str, Any]:
        """Everything that the CRM shows of a task, stamps included."""
        ...

    def complete(self, task: SeenTask, outcome: str | None = None) -> None:
        """The CSM completes a task; `outcome` is one of will_pay, card_updated, needs_time,
        no_answer, or None."""
        ...

    def snooze(self, task: SeenTask, day: date) -> None: ...

    def note(self, task: SeenTask, text: str) -> None:
        """The CSM writes a line under the text of the task."""
        ...

    def note_above(self, task: SeenTask, text: str) -> None:
        """The CSM writes a line over the text of the task."""
        ...

    def give(self, task: SeenTask, person: str) -> None:
        """The CSM gives a task to one of `people`."""
        ...

    def lower(self, task: SeenTask) -> None:
        """The CSM says that a task is of low priority."""
        ...

    def remove(self, task: SeenTask) -> None:
        """The CSM deletes a task."""
        ...

    def talk(self, account: str) -> None:
        """The CSM logs a call with the customer."""
        ...

    def leave(self, person: str) -> None:
        """Somebody leaves the company."""
        ...

    def fields(self, account: str) -> SeenFields: ...

    def delete(self, account: str) -> None: ...

    def merge(self, survivor: str, account: str) -> str:
        """The admin merges an account into another one, with what it says of the customer; returns
        the id of what is left."""
        ...

    def allow_twins(self) -> None:
        """From now on the CRM lets two records name one customer."""
        ...

    # ------------------------------------------------------------ troubles

    def refuse_tasks(self, words: str, *, only_changes: bool = False) -> None:
        """The admin's rule: no task is saved, or no task that is there already."""
        ...

    def accept_tasks(self) -> None:
        """The rule is lifted."""
        ...

    def use_up_calls(self) -> None:
        """Others have made all of today's calls."""
        ...

    def allow_calls(self) -> None:
        """There are calls again."""
        ...

    def refuse_a_write(self) -> None:
        """The next write of a task finds today's calls used up."""
        ...

    def lose_answers(self, *, times: int) -> None:
        """The next writes of tasks are carried out, and their answers are lost."""
        ...

    # ------------------------------------------------------------ counts

    def state(self) -> dict[str, Any]:
        """All that is an outcome, and no bookkeeping, so that two histories can be compared."""
        ...

    def calls(self) -> int:
        """API calls so far."""
        ...

    def writes(self) -> int:
        """API calls so far that changed something."""
        ...


def living(side: Side, account: str) -> SeenTask:
    """The one task of the case itself, its escalation left out."""
    found = [one for one in side.tasks(account) if "-e" not in one.key]
    assert len(found) == 1, [one.subject for one in found]
    return found[0]


def small(word: object) -> str | None:
    """A label as a word of ours."""
    return str(word).lower().replace(" ", "_") if word else None
