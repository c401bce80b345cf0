"""Why a value that we wrote is where it is."""

from __future__ import annotations

from domain.rows import WrittenValue
from store.unit_of_work import Transaction

ALIASES = {"auto_advance": "advances", "pause_collection": "pause"}
"""Stripe's own names for the settings that we change, and ours."""


def why(tx: Transaction, system: str, record: str, field: str) -> list[WrittenValue]:
    """Every value that we ever put there, the newest of each name first: event, rule, version,
    actor and time. Empty if we never wrote there."""
    names = (record, f"invoice:{record}", f"subscription:{record}")
    fields = dict.fromkeys((field, ALIASES.get(field, field)))
    return [
        value for name in names for one in fields for value in tx.effects.why(system, name, one)
    ]
