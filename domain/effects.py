"""What should happen outside: effects with their keys, guards and bodies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

FIELDS_RULE = "fields.project"
CUSTOMER_RULE = "customer.project"
BY_LOOKS = (FIELDS_RULE, CUSTOMER_RULE)
"""The rules of the field writes that every look at a record asks for anew, or no more."""
TRIAL_RULE = "mapping.trial"
"""The rule of the field writes with which a person tries a mapping on one record."""


class Target(StrEnum):
    """Which kind of system carries an effect out; the account's links say which vendor that is."""

    PAYMENTS = "payments"
    CRM = "crm"
    ADMIN = "admin"


class EffectKind(StrEnum):
    """Everything we ever do outside. Each has a mode: off, observe or act."""

    QUIET_INVOICE = "quiet_invoice"
    QUIET_SUBSCRIPTION = "quiet_subscription"
    RESTORE_INVOICE = "restore_invoice"
    RESTORE_SUBSCRIPTION = "restore_subscription"
    FINALIZE_INVOICE = "finalize_invoice"
    PAY_INVOICE = "pay_invoice"
    KEEP_TASK = "keep_task"
    WRITE_FIELDS = "write_fields"
    WRITE_CUSTOMER = "write_customer"
    ALERT = "alert"

    @property
    def target(self) -> Target:
        """Which kind of system it goes to."""
        match self:
            case EffectKind.KEEP_TASK | EffectKind.WRITE_FIELDS:
                return Target.CRM
            case EffectKind.ALERT:
                return Target.ADMIN
            case _:
                return Target.PAYMENTS

    @property
    def is_projection(self) -> bool:
        """A projection may be replaced by a newer one before it is sent; a command may not."""
        return self in (EffectKind.KEEP_TASK, EffectKind.WRITE_FIELDS, EffectKind.WRITE_CUSTOMER)


class Guard(StrEnum):
    """The condition under which an effect is still wanted, tested on fresh facts before the
    call."""

    ALWAYS = "always"
    STILL_HELD = "still_held"
    """The account is still to be quiet."""
    NO_LONGER_HELD = "no_longer_held"
    """The account is still to be noisy again."""
    STILL_INTERCEPTED = "still_intercepted"
    """The invoice is one that we took over as a draft, unpaid and not held by a person."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One thing to do outside, wanted once under `key`.

    The key is made from facts alone, never from time or chance, so that the same decision made
    twice is the same effect. It is the idempotency key at the payment system, the unique field
    in the CRM and the id in the audit. `subject` names the object (`invoice:in_1`,
    `task:<key>`, `account:fields`).
    """

    kind: EffectKind
    subject: str
    key: str
    body: Mapping[str, Any] = field(default_factory=dict)
    guard: Guard = Guard.ALWAYS
    rule: str = ""


def command_key(kind: EffectKind, subject: str, *parts: int | str) -> str:
    """The deterministic key of a command: at most 240 characters, letters, digits, `-`, `_`, `.`,
    `:`, so that a round's number fits behind it."""
    return ":".join([kind.value, subject, *(str(part) for part in parts)])[:240]


def digest_of(values: object) -> str:
    """Sixteen characters that are the same for the same values, as a part of a key."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def key_of_round(key: str, round: int) -> str:
    """The key under which an effect is sent after so many answered failures."""
    return f"{key}#{round}" if round else key


def key_of_effect(sent: str) -> str:
    """The effect's own key, of a key that was sent."""
    return sent.partition("#")[0]
