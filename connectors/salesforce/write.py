"""Keeps tasks and account fields: everything of an account in one call, each value read back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from connectors.salesforce import bulk, composite, ids, soql
from connectors.salesforce.attempts import Amendment, Attempt, Outcome, outcome, subs
from connectors.salesforce.client import Gateway
from connectors.salesforce.composite import Reply, Sub
from connectors.salesforce.look_up import write_by_look_up
from connectors.salesforce.tasks import TaskFields, needs_words
from connectors.salesforce.vocabulary import TaskWords, Vocabulary
from domain.errors import (
    Bug,
    Gone,
    KidgloveError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Transient,
    Unauthorized,
)
from domain.ids import Ref
from domain.ports import FieldsChange, Receipt, TaskChange

Answers = dict[int, Receipt | KidgloveError]


class Shape(Protocol):
    """How some attempts are put into one call, and their answers found in its answer."""

    def requests(self, attempts: Sequence[Attempt]) -> list[Sub]:
        """The subrequests of the call."""
        ...

    def replies(self, attempts: Sequence[Attempt], said: Mapping[str, Reply]) -> dict[str, Reply]:
        """The answers under each attempt's own references."""
        ...


@dataclass(frozen=True)
class Each:
    """The `Shape` of a call in which each attempt has its own subrequests."""

    words: Vocabulary | None
    fields: TaskFields

    def requests(self, attempts: Sequence[Attempt]) -> list[Sub]:
        """The writes, each followed by its read-back."""
        return [sub for one in attempts for sub in subs(one, self.words, self.fields)]

    def replies(self, attempts: Sequence[Attempt], said: Mapping[str, Reply]) -> dict[str, Reply]:
        """The answers as they came."""
        return dict(said)


class CrmWriter:
    """`WritesCrm` for Salesforce.

    Tasks are upserted by their key, account fields are set by id and never made. Each change is
    its own transaction. A second identical call changes nothing.
    """

    def __init__(self, gateway: Gateway, words: TaskWords, fields: TaskFields) -> None:
        self._gateway = gateway
        self._words = words
        self._fields = fields

    def write(
        self,
        changes: Sequence[TaskChange | FieldsChange],
        *,
        known: Mapping[Ref, Mapping[str, Any]] | None = None,
        urgent: bool = False,
    ) -> Sequence[Receipt | KidgloveError]:
        """See `WritesCrm.write`. With `known` values of an account only what differs is sent.

        A failure of the connection is raised if nothing was answered before it; otherwise it is
        the answer of each change that it left open.
        """
        answers: Answers = {}
        pending: list[Attempt] = []
        for place, change in enumerate(changes):
            first = _first(place, change, known or {})
            if isinstance(first, Attempt):
                pending.append(first)
            else:
                answers[place] = first
        # Ends, because an attempt comes back only with an amendment that it had not.
        while pending:
            pending = self._round(pending, answers, urgent=urgent)
        return [answers[place] for place in range(len(changes))]

    def _round(
        self, attempts: Sequence[Attempt], answers: Answers, *, urgent: bool
    ) -> list[Attempt]:
        """Send every attempt once; the amended ones come back."""
        words, unworded = self._vocabulary(attempts)
        answers |= unworded
        again: list[Attempt] = []
        stop: KidgloveError | None = None
        for call, shape in self._calls(
            [one for one in attempts if one.place not in answers], words
        ):
            if stop is not None:
                answers |= {one.place: stop for one in call}
                continue
            try:
                outcomes = self._sent(
                    call, shape, words, urgent=urgent or any(map(_is_urgent, call))
                )
            except (Unauthorized, RateLimited, Transient, Misconfigured) as problem:
                if not answers and not again:
                    raise
                stop = problem
                answers |= {one.place: problem for one in call}
                continue
            for one in call:
                said = outcomes[one.place]
                measured = self._measured(said) if isinstance(said, Attempt) else said
                if isinstance(measured, Attempt):
                    again.append(measured)
                else:
                    answers[one.place] = measured
        return again

    def _calls(
        self, attempts: Sequence[Attempt], words: Vocabulary | None
    ) -> list[tuple[list[Attempt], Shape | None]]:
        """The calls to make: looked-up tasks alone (no shape), many plain field changes in bulk,
        else whole accounts packed together."""
        groups: dict[str, list[Attempt]] = defaultdict(list)
        calls: list[tuple[list[Attempt], Shape | None]] = []
        for one in attempts:
            if one.needs_look_up:
                calls.append(([one], None))
            else:
                groups[one.group].append(one)
        alone = [
            group[0]
            for group in groups.values()
            if len(group) == 1 and isinstance(group[0].change, FieldsChange) and group[0].values
        ]
        if len(alone) >= bulk.WORTH_FROM:
            calls += [(list(some), bulk.Bulk()) for some in soql.slices(alone, bulk.MOST)]
            for one in alone:
                del groups[one.group]
        each = Each(words, self._fields)
        return calls + [(call, each) for call in _packed(list(groups.values()), each)]

    def _sent(
        self,
        call: Sequence[Attempt],
        shape: Shape | None,
        words: Vocabulary | None,
        *,
        urgent: bool,
    ) -> dict[int, Outcome]:
        """One call, with the short retry for the changes that met a lock; the outcome of each."""
        if shape is None:
            return {call[0].place: self._looked_up(call[0], words, urgent=urgent)}
        left = list(call)
        found: dict[int, Outcome] = {}

        def once() -> None:
            nonlocal left
            said = self._gateway.composite(shape.requests(left), what=_what(left), urgent=urgent)
            replies = shape.replies(left, said)
            found.update({one.place: outcome(one, replies, self._fields) for one in left})
            left = [one for one in left if isinstance(found[one.place], Transient)]
            if left:
                raise Transient("some records were locked by others")

        try:
            self._gateway.retry(once, is_repeatable=True)
        except (Unauthorized, RateLimited, Transient, Misconfigured) as problem:
            if not found:
                raise
            found |= {one.place: found.get(one.place, problem) for one in left}
        except OutcomeUnknown as problem:
            found |= {one.place: problem for one in left}
        return found

    def _looked_up(self, attempt: Attempt, words: Vocabulary | None, *, urgent: bool) -> Outcome:
        try:
            return write_by_look_up(attempt, self._gateway, self._fields, words, urgent=urgent)
        except (Unauthorized, RateLimited):
            raise
        except KidgloveError as problem:
            return problem

    def _vocabulary(self, attempts: Sequence[Attempt]) -> tuple[Vocabulary | None, Answers]:
        """The org's words if a task needs them; without them those tasks are answered here."""
        needing = [
            one
            for one in attempts
            if isinstance(one.change, TaskChange) and needs_words(one.change)
        ]
        if not needing:
            return None, {}
        try:
            return self._words.current(), {}
        except Misconfigured as problem:
            return None, {one.place: problem for one in needing}

    def _measured(self, attempt: Attempt) -> Attempt | KidgloveError:
        """The attempt with the lengths of the org's fields, if it is to be cut to them."""
        change = attempt.change
        if Amendment.CUT not in attempt.tried or not isinstance(change, FieldsChange):
            return attempt
        try:
            described = self._gateway.describe("Account").get("fields") or []
        except KidgloveError as problem:
            return problem
        lengths = {str(one["name"]): int(one.get("length") or 0) for one in described}
        long = [
            name
            for name, value in change.values.items()
            if isinstance(value, str) and 0 < lengths.get(name, 0) < len(value)
        ]
        return replace(attempt, lengths=lengths, note=f"cut to fit: {', '.join(long)}")


def _first(
    place: int, change: TaskChange | FieldsChange, known: Mapping[Ref, Mapping[str, Any]]
) -> Attempt | KidgloveError:
    if isinstance(change, TaskChange):
        if not change.key:
            return Bug("a task without a key cannot be kept")
        return Attempt(place=place, change=change, owner_id=change.owner_id)
    try:
        ids.to_18(change.account.id)
        for name in change.values:
            soql.name(name)
    except ValueError:
        return Gone(f"{change.account} is no Salesforce account")
    except Misconfigured as problem:
        return problem
    if not change.values:
        return Bug(f"no fields were given for account {change.account.id}")
    return Attempt(place=place, change=change, known=known.get(change.account, {}))


def _packed(groups: Sequence[Sequence[Attempt]], shape: Shape) -> list[list[Attempt]]:
    """Whole accounts put together into as few calls as fit; one too large for a call is cut."""
    calls: list[list[Attempt]] = []
    room = 0
    for group in groups:
        sizes = [len(shape.requests([one])) for one in group]
        for number, (one, size) in enumerate(zip(group, sizes, strict=True)):
            needed = sum(sizes) if number == 0 and sum(sizes) <= composite.MOST else size
            if needed > room:
                calls.append([])
                room = composite.MOST
            calls[-1].append(one)
            room -= size
    return calls


def _what(attempts: Sequence[Attempt]) -> str:
    others = len(attempts) - 1
    return attempts[0].what + (f" and {others} more" if others else "")


def _is_urgent(attempt: Attempt) -> bool:
    return isinstance(attempt.change, TaskChange) and bool(attempt.change.high_priority)
