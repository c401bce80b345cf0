"""Many accounts' fields in few calls: collections, with one query to read all of them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.salesforce import composite, ids, soql
from connectors.salesforce.attempts import Attempt
from connectors.salesforce.composite import Reply, Sub
from connectors.salesforce.errors import stated
from domain.ports import FieldsChange

ROWS = 50
"""Rows that share one transaction's limits: the org's own triggers rarely survive 200."""
PAIRS = 2
"""Collections with their read-backs in one call (Composite: at most five of both together)."""
MOST = ROWS * PAIRS
"""Accounts in one call."""
WORTH_FROM = 13
"""Below this single requests fit into one call just as well and tell errors more exactly."""


class Bulk:
    """The `Shape` of a call that sets the fields of up to `PAIRS * ROWS` accounts."""

    def requests(self, attempts: Sequence[Attempt]) -> list[Sub]:
        """One collection and one query for each slice of the account changes."""
        found: list[Sub] = []
        for number, some in enumerate(soql.slices(attempts, ROWS)):
            names = [soql.name(name) for one in some for name in _fields(one)]
            text = soql.select(
                ["Id", *names], "Account", where=f"Id IN {soql.in_list(map(_id, some))}"
            )
            # VENDOR: `attributes` must be the first key of a record (Collections).
            records = [
                {"attributes": {"type": "Account"}, "id": _id(one), **one.values} for one in some
            ]
            found += [
                Sub(
                    reference=f"c{number}",
                    method="PATCH",
                    path="composite/sobjects",
                    body={"allOrNone": False, "records": records},
                ),
                Sub(reference=f"q{number}", method="GET", path=composite.query(text)),
            ]
        return found

    def replies(self, attempts: Sequence[Attempt], said: Mapping[str, Reply]) -> dict[str, Reply]:
        """The answers as if each change had been sent alone."""
        found: dict[str, Reply] = {}
        for number, some in enumerate(soql.slices(attempts, ROWS)):
            whole, read = said[f"c{number}"], said[f"q{number}"]
            rows = whole.body if whole.is_done and isinstance(whole.body, list) else []
            lines = read.body.get("records") if read.is_done and isinstance(read.body, dict) else []
            by_id = {ids.to_18(line["Id"]): line for line in lines or []}
            for place, attempt in enumerate(some):
                unanswered = Reply(status=500) if whole.is_done else whole
                write = _row(rows[place]) if place < len(rows) else unanswered
                line = by_id.get(_id(attempt))
                found[f"w{attempt.place}"] = write
                found[f"b{attempt.place}"] = Reply(status=200 if line else 404, body=line)
        return found


def _row(row: Mapping[str, object]) -> Reply:
    if row.get("success"):
        return Reply(status=200, body=row)
    return Reply(status=400, body=row, errors=stated(row.get("errors")))


def _fields(attempt: Attempt) -> Mapping[str, object]:
    assert isinstance(attempt.change, FieldsChange)
    return attempt.change.values


def _id(attempt: Attempt) -> str:
    assert attempt.change.account is not None
    return ids.to_18(attempt.change.account.id)
