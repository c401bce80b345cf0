"""Writes properties of companies: a hundred companies a call, only what differs, read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.hubspot import ids
from connectors.hubspot.batches import Answer, Batch, send_all, update_of
from connectors.hubspot.definitions import Definitions
from connectors.hubspot.gateway import Gateway
from connectors.hubspot.wire import written
from domain.errors import Bug, Gone, KidgloveError, Misconfigured
from domain.ids import Ref
from domain.ports import FieldsChange, Receipt

Known = Mapping[Ref, Mapping[str, Any]]


class FieldWriter:
    """Sets properties of companies by id; never makes a company."""

    def __init__(self, gateway: Gateway, definitions: Definitions) -> None:
        self._gateway = gateway
        self._definitions = definitions

    def write(
        self,
        changes: Sequence[tuple[int, FieldsChange]],
        answers: dict[int, Receipt | KidgloveError],
        *,
        known: Known,
        urgent: bool,
    ) -> None:
        """Answer every change under its place. Several changes of one company travel as one, the
        later value winning. Raises what concerns the whole connection."""
        inputs: dict[str, dict[str, str]] = {}
        good: list[tuple[int, FieldsChange, str, str]] = []
        for place, change in changes:
            try:
                id, note = self._company(change), self._checked(change)
            except (Gone, Misconfigured, Bug) as problem:
                answers[place] = problem
                continue
            said = inputs.setdefault(id, {})
            present = known.get(change.account, {})
            said |= {
                name: written(name, value, self._definitions.type_of(name))
                for name, value in change.values.items()
                if name not in present or present[name] != value
            }
            good.append((place, change, id, note))
        rows: dict[str, Answer] = {}
        try:
            self._send(inputs, rows, urgent=urgent)
        finally:
            self._read_back(good, rows, urgent=urgent)
            for place, change, id, note in good:
                if id in rows:
                    answers[place] = self._receipt(change, rows[id], note)

    def _send(
        self, inputs: Mapping[str, dict[str, str]], rows: dict[str, Answer], *, urgent: bool
    ) -> None:
        what = f"{len(inputs)} companies"
        batch = Batch[str](
            send=lambda some: self._gateway.update(ids.COMPANIES, some, what=what, urgent=urgent),
            name_of=lambda row: str(row.get("id")),
            named=lambda error: [one for one in error.ids if one in inputs],
            what=lambda id: f"company {id}",
        )
        send_all(
            batch,
            [(id, update_of(id, said)) for id, said in inputs.items() if said],
            rows,
        )
        # Nothing differs from what is known: only the read-back is left to do.
        rows |= {id: {"id": id, "properties": {}} for id, said in inputs.items() if not said}

    def _read_back(
        self,
        good: Sequence[tuple[int, FieldsChange, str, str]],
        rows: dict[str, Answer],
        *,
        urgent: bool,
    ) -> None:
        """Ask for what the answers do not tell; usually they tell everything that was written."""
        lacking: dict[str, set[str]] = {}
        for _, change, id, _ in good:
            row = rows.get(id)
            if isinstance(row, Mapping):
                missing = set(change.values) - set(row.get("properties") or {})
                if missing:
                    lacking.setdefault(id, set()).update(missing)
        if not lacking:
            return
        names = sorted({name for some in lacking.values() for name in some})
        present = {
            str(row["id"]): row["properties"]
            for row in self._gateway.read(
                ids.COMPANIES, lacking, names, what="written companies", urgent=urgent
            )
        }
        for id in lacking:
            row = rows[id]
            assert isinstance(row, Mapping)
            if id in present:
                rows[id] = {**row, "properties": {**present[id], **(row.get("properties") or {})}}
            else:
                rows[id] = Gone(f"there is no company {id}")

    def _receipt(self, change: FieldsChange, row: Answer, note: str) -> Receipt | KidgloveError:
        if isinstance(row, KidgloveError):
            return row
        said = row.get("properties") or {}
        return Receipt(
            ref=change.account,
            was_created=False,
            now={
                name: self._definitions.understood(name, said.get(name)) for name in change.values
            },
            note=note,
        )

    def _company(self, change: FieldsChange) -> str:
        try:
            id = ids.known(change.account.id)
        except ValueError:
            raise Gone(f"{change.account} is no HubSpot company") from None
        if not change.values:
            raise Bug(f"no properties were given for company {id}")
        return id

    def _checked(self, change: FieldsChange) -> str:
        """Refuse here what HubSpot would refuse the whole batch for; the note for what is cut."""
        for name, value in change.values.items():
            if self._problem(name, value) is not None:
                # It may be new: an admin adds a property or an option in a moment.
                self._definitions.refresh()
                if (problem := self._problem(name, value)) is not None:
                    raise problem
        long = [
            name
            for name, value in change.values.items()
            if isinstance(value, str) and written(name, value) != value.lstrip(";")
        ]
        return f"cut to fit: {', '.join(long)}" if long else ""

    def _problem(self, name: str, value: Any) -> Misconfigured | None:
        found = self._definitions.current().get(name)
        if found is None:
            return Misconfigured(
                f"the HubSpot property companies.{name} does not exist or is hidden from us",
                row=name,
                remedy="Run `kidglove hubspot setup`, or map the property that the portal uses.",
            )
        if found.is_read_only:
            return Misconfigured(
                f"the HubSpot property companies.{name} is calculated and cannot be written",
                row=name,
                remedy="Map another property.",
            )
        words = str(value).split(";") if value not in (None, "") else []
        if found.type == "enumeration" and found.options:
            unknown = [word for word in words if word not in found.options]
            if unknown:
                return Misconfigured(
                    f"the HubSpot property companies.{name} has no option {unknown[0]!r}; it has "
                    f"{', '.join(found.options[:20])}",
                    row=name,
                    remedy="Map an option's internal value, or add the option in HubSpot.",
                )
        return None
