"""Between the CRM's raw fields and our own values, by the mapping alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, TypeVar

from domain.errors import Misconfigured
from domain.facts import NOT_MAPPED, HoldSignal, HoldWord, VipOverride
from domain.leaf import Known, Leaf, Missing
from domain.money import Money, exponent
from domain.ports import ReadPlan
from mappings.mapping import FieldMapping, HoldFields, OverrideFields

T = TypeVar("T")

EARLIEST = date(1970, 1, 1)
LATEST = date(2999, 12, 31)
"""Days beyond these are moved here: people type 9999 for "for ever", and it must stay countable."""
RAW_LENGTH = 255
"""How much of a word that nobody understands is kept to show it."""


@dataclass(frozen=True, kw_only=True)
class CrmParts:
    """What an account's own fields say. `problems` are values that could not be understood."""

    hold: HoldSignal
    promise: date | None
    override: VipOverride | None
    health: Leaf[str]
    cs_tier: Leaf[str]
    expansion: Leaf[Money]
    renewal_call: Leaf[date]
    contract: Leaf[str]
    contract_end: Leaf[date]
    seats: Leaf[int]
    entities: Leaf[int]
    problems: tuple[str, ...] = ()


def read_plan(mapping: FieldMapping) -> ReadPlan:
    """What the connector has to read for this mapping."""
    return ReadPlan(
        account_fields=mapping.account_fields,
        people_fields=mapping.people,
        contact_field=mapping.context.ap_contact,
        task_outcome_field=mapping.task.outcome_field,
        task_key_field=mapping.task.key_field,
        customer_field=mapping.customer_field,
        timed_fields=mapping.timed_fields,
    )


def crm_parts(
    fields: Mapping[str, Any],
    mapping: FieldMapping,
    *,
    source: str,
    read_at: datetime,
    currency: str,
    changed_by: str | None = None,
) -> CrmParts:
    """The mapped fields of one account, understood.

    An unknown word in the hold field holds and is kept to be asked about; an empty one is silent.
    A context value that cannot be read is missing with the reason. Misconfigured if the record
    does not have the hold field at all: that is a missing permission, and it must neither hold
    nor release anybody.
    """
    reader = _Reader(fields, source=source, read_at=read_at)
    context = mapping.context
    return CrmParts(
        hold=_hold(reader, mapping.hold, changed_by),
        promise=reader.day_or_none(mapping.promise),
        override=_override(reader, mapping.override),
        health=reader.leaf(context.health, as_text, as_of=reader.moment(context.health_at)),
        cs_tier=reader.leaf(context.cs_tier, as_text),
        expansion=reader.leaf(context.expansion, lambda value: _money(value, currency)),
        renewal_call=reader.leaf(context.renewal_call, as_day),
        contract=reader.leaf(context.contract, as_text),
        contract_end=reader.leaf(context.contract_end, as_day),
        seats=reader.leaf(context.seats, _count),
        entities=reader.leaf(context.entities, _count),
        problems=tuple(reader.problems),
    )


class _Reader:
    """Reads single fields and collects what could not be understood."""

    def __init__(self, fields: Mapping[str, Any], *, source: str, read_at: datetime) -> None:
        self._fields = fields
        self.source = source
        self.read_at = read_at
        self.problems: list[str] = []

    def raw(self, name: str) -> Any:
        """The value, None when it is empty. Misconfigured if the record has no such field."""
        if name not in self._fields:
            raise Misconfigured(
                f"{self.source} did not return the field {name}",
                row=name,
                remedy=f"Give the integration's user read access to {name}, or correct its name "
                "in the mapping.",
            )
        value = self._fields[name]
        return None if isinstance(value, str) and not value.strip() else value

    def leaf(
        self,
        name: str | None,
        understand: Callable[[Any], T],
        *,
        as_of: datetime | None = None,
    ) -> Leaf[T]:
        """The value with its source, or why it is missing; it never stops the others."""
        if name is None:
            return NOT_MAPPED
        if name not in self._fields:
            return Missing(f"no access to the field {name}")
        value = self.raw(name)
        if value is None:
            return Missing(f"the field {name} is empty")
        try:
            return Known(understand(value), self.source, as_of)
        except ValueError as reason:
            return Missing(f"the field {name} {reason}")

    def day_or_none(self, name: str | None) -> date | None:
        """The day in a field that people write; one that cannot be read is a problem."""
        found = self.leaf(name, as_day)
        if isinstance(found, Known):
            return found.value
        if name is not None and not self.is_empty(name):
            self.problems.append(found.because)
        return None

    def is_empty(self, name: str) -> bool:
        """Whether the record has the field and nothing in it."""
        return name in self._fields and self.raw(name) is None

    def moment(self, name: str | None) -> datetime | None:
        """The moment in a field, if it can be told."""
        found = self.leaf(name, _moment)
        return found.value if isinstance(found, Known) else None


def _hold(reader: _Reader, hold: HoldFields, changed_by: str | None) -> HoldSignal:
    raw = reader.raw(hold.field)
    if raw is None:
        return HoldSignal(word=HoldWord.SILENT, seen_at=reader.read_at)
    said = as_text(raw)[:RAW_LENGTH]
    if _is_one_of(said, hold.held):
        word = HoldWord.HELD
    elif _is_one_of(said, hold.released):
        word = HoldWord.RELEASED
    else:
        word = HoldWord.UNKNOWN
        reader.problems.append(f"the field {hold.field} says {said!r}, which no row translates")
    reason = reader.leaf(hold.reason, as_text)
    return HoldSignal(
        word=word,
        raw=said,
        until=reader.day_or_none(hold.until),
        reason=reason.value if isinstance(reason, Known) else None,
        by=changed_by,
        seen_at=reader.read_at,
        system=reader.source,
    )


def _override(reader: _Reader, override: OverrideFields | None) -> VipOverride | None:
    if override is None:
        return None
    said = reader.leaf(override.field, as_text)
    if isinstance(said, Missing):
        if not reader.is_empty(override.field):
            reader.problems.append(said.because)
        return None
    if _is_one_of(said.value, override.always):
        return VipOverride.ALWAYS
    if _is_one_of(said.value, override.never):
        return VipOverride.NEVER
    reader.problems.append(
        f"the field {override.field} says {said.value[:RAW_LENGTH]!r}, which no row translates"
    )
    return None


def _is_one_of(said: str, words: tuple[str, ...]) -> bool:
    return said.strip().casefold() in {word.strip().casefold() for word in words}


# ---------------------------------------------------------------- single values


def as_text(value: Any) -> str:
    """A value as people read it: whole numbers without a point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        return str(int(value))
    return str(value).strip()


def _number(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise ValueError(f"holds {as_text(value)}, which is no number")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"holds {str(value)[:40]!r}, which is no number") from None
    if not number.is_finite() or abs(number) >= 10**15:
        raise ValueError(f"holds {str(value)[:40]!r}, which is no usable number")
    return number


def _money(value: Any, currency: str) -> Money:
    places = Decimal(1).scaleb(-exponent(currency))
    return Money.of(_number(value).quantize(places, rounding=ROUND_HALF_UP), currency)


def _count(value: Any) -> int:
    number = _number(value)
    if number != number.to_integral_value() or number < 0:
        raise ValueError(f"holds {str(value)[:40]!r}, which is no whole number")
    return int(number)


def as_day(value: Any) -> date:
    """The day in a value; ValueError with the end of a sentence if there is none."""
    # VENDOR: a date field is `2026-12-09`; a date-time field starts with the same ten characters.
    try:
        if not isinstance(value, str):
            raise ValueError
        found = date.fromisoformat(value.strip()[:10])
        if len(value.strip()) > 10:
            datetime.fromisoformat(value.strip())
    except ValueError:
        raise ValueError(f"holds {str(value)[:40]!r}, which is no day") from None
    return max(EARLIEST, min(found, LATEST))


def _moment(value: Any) -> datetime:
    # VENDOR: Salesforce writes `2026-05-01T07:25:37.000+0000`, HubSpot `2026-05-01T07:25:37Z`.
    try:
        if not isinstance(value, str):
            raise ValueError
        found = datetime.fromisoformat(value.strip())
        if len(value.strip()) == 10:
            # Noon is the same day nearly everywhere; midnight is the day before in all America.
            found = found.replace(hour=12)
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"holds {str(value)[:40]!r}, which is no time") from None
