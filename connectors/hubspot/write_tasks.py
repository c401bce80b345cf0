"""Keeps tasks: one under each key, found before it is made, on its company and contact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connectors.hubspot import ids
from connectors.hubspot.batches import Answer, Batch, send_all, update_of
from connectors.hubspot.definitions import Definitions
from connectors.hubspot.gateway import Gateway
from connectors.hubspot.names import DUE_DAY
from connectors.hubspot.people import People
from connectors.hubspot.pins import Pins
from connectors.hubspot.records import OWNER_PROPERTY
from connectors.hubspot.task_links import TaskLinks
from connectors.hubspot.task_look_up import TaskLookUp
from connectors.hubspot.tasks import TaskFields, leaves_body, new_task, values, work_item
from connectors.hubspot.wire import Row, millis_text
from domain.errors import Conflict, Gone, KidgloveError, OutcomeUnknown, Rejected
from domain.ports import Receipt, TaskChange, TaskVerb

Answers = dict[int, Receipt | KidgloveError]
FULL = "what people wrote fills the task's text, so that ours was left out"
"""The note of a task whose text was left as it stands."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One change, number `place` of its batch, with its owner and what was amended so far.

    `is_hanging` where its task is known to be on its company: it was read there, or made there.
    """

    place: int
    change: TaskChange
    owner_id: str | None
    id: str | None = None
    note: str = ""
    was_created: bool = False
    is_hanging: bool = False
    is_second_try: bool = False

    @property
    def what(self) -> str:
        """The task in our words, for messages."""
        return f"task {self.change.key}"


class TaskWriter:
    """Upserts tasks by key. HubSpot honours no idempotency key, so every task whose id is not known
    is looked up before it is made, and after an answer that never came."""

    def __init__(
        self,
        gateway: Gateway,
        definitions: Definitions,
        people: People,
        fields: TaskFields,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._gateway = gateway
        self._definitions = definitions
        self._people = people
        self._fields = fields
        self._look_up = TaskLookUp(gateway, definitions, fields)
        self._links = TaskLinks(gateway)
        self._pins = Pins(gateway, fields)
        self._now = now

    def write(
        self, changes: Sequence[tuple[int, TaskChange]], answers: Answers, *, urgent: bool
    ) -> None:
        """Answer every change under its place. Raises what concerns the whole connection."""
        left = list(changes)
        while left:
            now: dict[str, tuple[int, TaskChange]] = {}
            later: list[tuple[int, TaskChange]] = []
            for place, change in left:
                if change.key in now:
                    later.append((place, change))
                else:
                    now[change.key] = (place, change)
            self._round(list(now.values()), answers, urgent=urgent)
            left = later

    def _round(
        self, changes: Sequence[tuple[int, TaskChange]], answers: Answers, *, urgent: bool
    ) -> None:
        wanted: list[Wanted] = []
        for place, change in changes:
            one = self._with_owner(place, change)
            if isinstance(one, KidgloveError):
                answers[place] = one
            else:
                wanted.append(one)
        known = [one for one in wanted if one.id is not None]
        found, lost = self._update(known, answers, urgent=urgent, rows=self._present(known, urgent))
        unknown = [one for one in wanted if one.id is None] + lost
        present = self._look_up.by_key([one.change for one in unknown], urgent=urgent)
        again = [
            replace(one, id=task.id, is_hanging=task.hangs)
            for one in unknown
            if (task := present.get(one.change.key)) is not None
        ]
        more, gone = self._update(
            again,
            answers,
            urgent=urgent,
            rows={task.id: task.row for task in present.values()},
        )
        fresh = [one for one in unknown if one.change.key not in present]
        made = self._create(fresh, answers, urgent=urgent)
        for one in gone:
            answers[one.place] = Conflict(f"{one.what} was deleted at this moment")
        done = [*found, *self._hung([*more, *made], answers, urgent=urgent)]
        self._receipts(done, answers, urgent=urgent)
        kept = ((one.change, answers[one.place]) for one, _ in done)
        written = [(change, said) for change, said in kept if isinstance(said, Receipt)]
        self._pins.follow(written, urgent=urgent)

    def _hung(
        self, done: Sequence[tuple[Wanted, Row]], answers: Answers, *, urgent: bool
    ) -> list[tuple[Wanted, Row]]:
        """Those that hang on their company, now at the latest; the refusals are answered here."""
        loose = {
            one.id: one.change
            for one, _ in done
            if one.id is not None and not (one.was_created or one.is_hanging)
        }
        refused = self._links.complete(loose, urgent=urgent)
        answers |= {one.place: refused[one.id] for one, _ in done if one.id in refused}
        return [(one, row) for one, row in done if one.id not in refused]

    def _with_owner(self, place: int, change: TaskChange) -> Wanted | KidgloveError:
        """The change with an owner who can take it: not one who left or is away, if there is
        another."""
        try:
            id = ids.known(change.known_id) if change.known_id else None
        except ValueError:
            id = None
        owner, spare = change.owner_id, change.fallback_owner_id
        if owner is None:
            return Wanted(place=place, change=change, owner_id=None, id=id)
        colleagues = self._people.current().colleagues
        found = colleagues.get(owner)
        if found is None or found.person.can_take_work:
            return Wanted(place=place, change=change, owner_id=owner, id=id)
        other = colleagues.get(spare or "")
        why = "is away" if found.person.is_active else "has left"
        if other is not None and spare != owner and other.person.is_active:
            note = f"owner {owner} {why}; {self._given_to(spare)}"
            return Wanted(place=place, change=change, owner_id=spare, id=id, note=note)
        if found.person.is_active:
            note = f"owner {owner} {why}, and nobody else could be given it"
            return Wanted(place=place, change=change, owner_id=owner, id=id, note=note)
        return Rejected(
            f"owner {owner} of task {change.key} is deactivated and there is no living fallback",
            field=OWNER_PROPERTY,
            remedy="Configure a fallback owner who is active.",
        )

    def _given_to(self, spare: str | None) -> str:
        """The note of a task that somebody else gets; who is away too gets it all the same, for
        there is nobody after them."""
        other = self._people.current().colleagues.get(spare or "")
        is_away = other is not None and not other.person.can_take_work
        return f"given to {spare}, who is away too" if is_away else f"given to {spare} instead"

    def _present(self, known: Sequence[Wanted], urgent: bool) -> dict[str, Row]:
        """The tasks whose owner must be known to say when their day ends."""
        some = [
            one.id for one in known if one.id and one.change.due_on and one.change.owner_id is None
        ]
        if not some:
            return {}
        rows = self._gateway.read(ids.TASKS, some, (OWNER_PROPERTY,), what="tasks", urgent=urgent)
        return {str(row["id"]): row for row in rows}

    # -- writing

    def _update(
        self,
        wanted: Sequence[Wanted],
        answers: Answers,
        *,
        urgent: bool,
        rows: Mapping[str, Row],
    ) -> tuple[list[tuple[Wanted, Row]], list[Wanted]]:
        """Write tasks by id: those that are done, with their rows, and those that are no more."""
        by_id = {one.id: one for one in wanted if one.id is not None}
        if not by_id:
            return [], []
        inputs: list[tuple[str, Row]] = []
        said: dict[str, Answer] = {}
        for id, one in by_id.items():
            properties = self._values(one, rows.get(id))
            if properties:
                inputs.append((id, update_of(id, properties)))
            else:
                said[id] = {"id": id, "properties": {}}
        batch = Batch[str](
            send=lambda some: self._gateway.update(
                ids.TASKS, some, what=f"{len(some)} tasks", urgent=urgent
            ),
            name_of=lambda row: str(row.get("id")),
            named=lambda error: [one for one in error.ids if one in by_id],
            what=lambda id: by_id[id].what,
        )
        send_all(batch, inputs, said)
        done: list[tuple[Wanted, Row]] = []
        lost: list[Wanted] = []
        for id, one in by_id.items():
            answer = said[id]
            if isinstance(answer, Gone):
                lost.append(replace(one, id=None))
            elif isinstance(answer, KidgloveError):
                other = self._amended(one, answer)
                if other is None:
                    answers[one.place] = answer
                    continue
                again, gone = self._update([other], answers, urgent=urgent, rows=rows)
                done, lost = done + again, lost + gone
            else:
                done.append((one, answer))
        return done, lost

    def _create(
        self, wanted: Sequence[Wanted], answers: Answers, *, urgent: bool
    ) -> list[tuple[Wanted, Row]]:
        """Make the tasks that are to be kept; closing and reopening never make one."""
        by_key: dict[str, Wanted] = {}
        for one in wanted:
            if one.change.verb is TaskVerb.KEEP:
                by_key[one.change.key] = one
            else:
                answers[one.place] = Gone(f"there is no {one.what} to {one.change.verb}")
        if not by_key:
            return []
        stamp = millis_text(self._now())
        inputs = [
            (
                key,
                new_task(
                    one.change, self._values(one, None), key_field=self._fields.key, now=stamp
                ),
            )
            for key, one in by_key.items()
        ]
        said: dict[str, Answer] = {}
        batch = Batch[str](
            send=lambda some: self._gateway.create(
                ids.TASKS, some, what=f"{len(some)} tasks", urgent=urgent
            ),
            name_of=lambda row: str(row["properties"].get(self._fields.key)),
            named=lambda error: [one for one in error.ids if one in by_key],
            what=lambda key: by_key[key].what,
        )
        send_all(batch, inputs, said)
        done: list[tuple[Wanted, Row]] = []
        doubtful = [
            key
            for key, answer in said.items()
            if isinstance(answer, OutcomeUnknown | Conflict)
            or (not isinstance(answer, KidgloveError) and not self._look_up.is_unique)
        ]
        # Who got no answer, and who may not have been alone: look before anything else is done.
        there = self._look_up.by_key([by_key[key].change for key in doubtful], urgent=urgent)
        for key, one in by_key.items():
            task = there.get(key)
            answer = task.row if task is not None else said[key]
            if not isinstance(answer, KidgloveError):
                made = said[key]
                is_ours = not isinstance(made, Mapping) or str(made["id"]) == str(answer["id"])
                kept = replace(
                    one,
                    id=str(answer["id"]),
                    was_created=is_ours and not isinstance(made, Conflict),
                    is_hanging=task is not None and task.hangs,
                )
                done.append((kept, answer))
                continue
            other = self._amended(one, answer)
            if other is None:
                answers[one.place] = answer
            else:
                done += self._create([other], answers, urgent=urgent)
        return self._overwritten(done, said, answers, urgent=urgent)

    def _overwritten(
        self,
        done: list[tuple[Wanted, Row]],
        said: Mapping[str, Answer],
        answers: Answers,
        *,
        urgent: bool,
    ) -> list[tuple[Wanted, Row]]:
        """A task that another worker made in the same moment gets what this change says too."""
        theirs = [one for one, _ in done if not one.was_created]
        if not theirs:
            return done
        rows = {str(row["id"]): row for one, row in done if not one.was_created}
        updated, gone = self._update(theirs, answers, urgent=urgent, rows=rows)
        for one in gone:
            answers[one.place] = Conflict(f"{one.what} was deleted at this moment")
        return [(one, row) for one, row in done if one.was_created] + updated

    def _amended(self, one: Wanted, problem: KidgloveError) -> Wanted | None:
        """The second try of a task whose owner HubSpot refuses, or whose contact is gone."""
        if one.is_second_try:
            return None
        spare = one.change.fallback_owner_id
        about_owner = isinstance(problem, Rejected) and problem.field == OWNER_PROPERTY
        if about_owner and spare and spare != one.owner_id:
            note = f"owner {one.owner_id} cannot take tasks; {self._given_to(spare)}"
            return replace(one, owner_id=spare, note=note, is_second_try=True)
        is_new = one.id is None
        if is_new and isinstance(problem, Gone) and one.change.contact_id is not None:
            note = f"contact {one.change.contact_id} is gone; the task hangs on the company alone"
            change = replace(one.change, contact_id=None)
            return replace(one, change=change, note=note, is_second_try=True)
        return None

    def _values(self, one: Wanted, row: Row | None) -> dict[str, str]:
        present = (row or {}).get("properties", {}).get(OWNER_PROPERTY)
        may_move = one.change.due_on is not None and DUE_DAY in self._definitions.current()
        return values(
            one.change,
            owner_id=one.owner_id,
            present_owner=str(present) if present else None,
            directory=self._people.current(),
            moves_from=self._now() if may_move else None,
        )

    # -- reading back

    def _receipts(
        self, done: Sequence[tuple[Wanted, Row]], answers: Answers, *, urgent: bool
    ) -> None:
        """A receipt for each written task, from what HubSpot has of it now."""
        if not done:
            return
        rows = {
            str(row["id"]): row
            for row in self._gateway.read(
                ids.TASKS, _ids(done), self._fields.read, what="written tasks", urgent=urgent
            )
        }
        for one, _ in done:
            row = rows.get(str(one.id))
            if row is None:
                answers[one.place] = OutcomeUnknown(
                    f"{one.what} was written, but could not be read back"
                )
            else:
                answers[one.place] = self._receipt(one, row)

    def _receipt(self, one: Wanted, row: Row) -> Receipt:
        item = work_item(row, self._fields, self._people.current())
        full = FULL if leaves_body(one.change) else ""
        return Receipt(
            ref=ids.task(item.id),
            was_created=one.was_created,
            now={
                "id": item.id,
                "key": item.key,
                "subject": item.subject,
                "text": item.description,
                "owner_id": item.owner_id,
                "due_on": item.due_on.isoformat() if item.due_on else None,
                "is_closed": item.is_closed,
                "status": item.status,
                "priority": item.priority,
                "account_id": one.change.account.id if one.change.account else None,
            },
            note="; ".join(filter(None, (one.note, full))),
        )


def _ids(done: Sequence[tuple[Wanted, Row]]) -> list[str]:
    return [str(one.id) for one, _ in done]
