"""Our note on the objects that we have quieted."""

from __future__ import annotations

MARK = "kidglove_hold"
"""The metadata key on invoices and subscriptions; metadata may be written in every state."""
