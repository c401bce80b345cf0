"""Domain values to JSON and back, the same way everywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from domain.case import Case
from domain.facts import CrmPicture, PaymentPicture
from domain.holds import QuietCertificate, Suppression

T = TypeVar("T")


class Codec(Generic[T]):
    """Turns one type into plain JSON values and back. An unreadable value raises ValueError."""

    def __init__(self, kind: type[T]) -> None:
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)

    def dump(self, value: T) -> Any:
        """Plain JSON values of `value`."""
        return self._adapter.dump_python(value, mode="json")

    def load(self, plain: Any) -> T:
        """The value again."""
        return self._adapter.validate_python(plain)


CASE = Codec(Case)
SUPPRESSION = Codec(Suppression)
CERTIFICATE = Codec(QuietCertificate)
PAYMENTS = Codec(PaymentPicture)
CRM = Codec(CrmPicture)


def storable(text: str) -> str:
    """The text as a text column can hold it: what PostgreSQL refuses is written as an escape.

    NUL and lone surrogates cannot be stored; a message that carries one must not be refused for
    it, because everything that is committed together with it would be refused as well.
    """
    return text.encode(errors="backslashreplace").decode().replace("\x00", "\\x00")


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping as JSON would keep it, so that what is stored equals what is read back."""
    loaded: dict[str, Any] = json.loads(json.dumps(value, default=_plain_one))
    return loaded


def _plain_one(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)
