"""Many accounts' fields in one call: collections, and one query that reads all of them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.salesforce import composite, ids, soql
from connectors.salesforce.attempts import Attempt
from connectors.salesforce.composite import Reply, Sub
from connectors.salesforce.errors import stated
from domain.ports import FieldsChange

ROWS = 50
"""Rows that share one transaction's limits: the org's own triggers rarely survive 200."""
COLLECTIONS = 4
"""Collections in one call; the read-back is the fifth (Composite: at most five of both)."""
MOST = ROWS * COLLECTIONS
"""Accounts in one call."""
WORTH_FROM = 13
"""Below this single requests fit into one call just as well and tell errors more exactly."""


class Bulk:
    """The `Shape` of a call that sets the fields of up to `MOST` accounts."""

    def requests(self, attempts: Sequence[Attempt]) -> list[Sub]:
        """One collection for each slice of the account changes, and one query for all."""
        names = [soql.name(name) for one in attempts for name in _fields(one)]
        text = soql.select(
            ["Id", *names], "Account", where=f"Id IN {soql.in_list(map(_id, attempts))}"
        )
        return [
            *(
                Sub(
                    reference=f"c{number}",
                    method="PATCH",
                    path="composite/sobjects",
                    # VENDOR: `attributes` must be the first key of a record (Collections).
                    body={
                        "allOrNone": False,
                        "records": [
                            {"attributes": {"type": "Account"}, "id": _id(one), **one.values}
                            for one in some
                        ],
                    },
                )
                for number, some in enumerate(soql.slices(attempts, ROWS))
            ),
            Sub(reference="q", method="GET", path=composite.query(text)),
        ]

    def replies(self, attempts: Sequence[Attempt], said: Mapping[str, Reply]) -> dict[str, Reply]:
        """The answers as if each change had been sent alone."""
        read = said["q"]
        lines = read.body.get("records") if read.is_done and isinstance(read.body, dict) else []
        by_id = {ids.to_18(line["Id"]): line for line in lines or []}
        found: dict[str, Reply] = {}
        for number, some in enumerate(soql.slices(attempts, ROWS)):
            whole = said[f"c{number}"]
            rows = whole.body if whole.is_done and isinstance(whole.body, list) else []
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
