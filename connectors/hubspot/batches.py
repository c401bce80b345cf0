"""A batch that HubSpot refuses as a whole is sent in halves, so that one bad row sinks nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from connectors.hubspot.errors import VendorError, classified, concerns_rows
from connectors.hubspot.gateway import MOST, slices
from connectors.hubspot.wire import Row
from domain.errors import KidgloveError, OutcomeUnknown

T = TypeVar("T")
Answer = Row | KidgloveError
Send = Callable[[Sequence[Row]], tuple[list[Row], list[VendorError]]]


@dataclass(frozen=True, kw_only=True)
class Batch(Generic[T]):
    """Inputs under names of the caller's, and how an answer's rows and errors are told apart.

    `name_of` finds the name in a row; `named` the names that a single row's refusal concerns.
    """

    send: Send
    name_of: Callable[[Row], T]
    named: Callable[[VendorError], Sequence[T]]
    what: Callable[[T], str]


def update_of(id: str, properties: Mapping[str, str]) -> Row:
    """The input that sets properties of a record.

    # VENDOR: with a trace id on every input HubSpot keeps the good rows of a batch and names the
    # bad ones; without, one bad row may fail them all (batch endpoints, multi-status).
    """
    return {"id": id, "objectWriteTraceId": id, "properties": dict(properties)}


def send_all(
    batch: Batch[T], inputs: Sequence[tuple[T, Row]], answers: MutableMapping[T, Answer]
) -> None:
    """Fill in an answer for every input, a hundred a call, in halves where that is refused.

    Raises what concerns the whole connection; `answers` then holds what was answered before.

    # VENDOR: one conflicting or invalid row fails the whole batch with 409 or 400, and nothing of
    # it is written (batch endpoints; observed by several integrations).
    """
    for some in slices(inputs, MOST):
        _send(batch, some, answers)


def _send(
    batch: Batch[T], inputs: Sequence[tuple[T, Row]], answers: MutableMapping[T, Answer]
) -> None:
    try:
        rows, errors = batch.send([row for _, row in inputs])
    except OutcomeUnknown as problem:
        for name, _ in inputs:
            answers[name] = problem
        return
    except KidgloveError as problem:
        if not concerns_rows(problem):
            raise
        if len(inputs) == 1:
            answers[inputs[0][0]] = problem
        else:
            _halves(batch, inputs, answers)
        return
    for row in rows:
        answers[batch.name_of(row)] = row
    for error in errors:
        for name in batch.named(error):
            answers[name] = classified(400, error, record=batch.what(name), is_write=True)
    open_ones = [one for one in inputs if one[0] not in answers]
    if not open_ones:
        return
    if errors and len(inputs) > 1:
        # Somebody was refused and nobody says who.
        _halves(batch, open_ones, answers)
        return
    for name, _ in open_ones:
        answers[name] = (
            classified(400, errors[0], record=batch.what(name), is_write=True)
            if errors
            else OutcomeUnknown(f"HubSpot did not answer for {batch.what(name)}")
        )


def _halves(
    batch: Batch[T], inputs: Sequence[tuple[T, Row]], answers: MutableMapping[T, Answer]
) -> None:
    middle = (len(inputs) + 1) // 2
    for half in (inputs[:middle], inputs[middle:]):
        if half:
            _send(batch, half, answers)
