"""Record ids and object types of HubSpot, in their one true form."""

from __future__ import annotations

import re

from domain.errors import Misconfigured
from domain.ids import Ref

SYSTEM = "hubspot"
"""The name of this vendor in every `Ref`."""
COMPANIES, CONTACTS, TICKETS, TASKS = "companies", "contacts", "tickets", "tasks"
CALLS, MEETINGS, EMAILS, NOTES, USERS = "calls", "meetings", "emails", "notes", "users"
TYPE_IDS = {
    COMPANIES: "0-2",
    CONTACTS: "0-1",
    TICKETS: "0-5",
    TASKS: "0-27",
}
"""HubSpot's own numbers of object types, as webhooks and record links carry them."""
_ID = re.compile(r"[1-9][0-9]{0,18}")


def known(id: object) -> str:
    """A record id as text. ValueError for anything that is none."""
    text = str(id)
    if isinstance(id, bool) or not _ID.fullmatch(text):
        raise ValueError(f"{text[:20]!r} is no HubSpot id")
    return text


def admitted(id: str, *, where: str) -> str:
    """An id that a person typed, else `Misconfigured`."""
    try:
        return known(id.strip())
    except ValueError:
        raise Misconfigured(
            f"the HubSpot id in {where} is no number",
            row=where,
            remedy="Give the id as HubSpot shows it: digits only, not 1.2E+10.",
        ) from None


def account(id: object) -> Ref:
    """The `Ref` of a company."""
    return Ref(SYSTEM, "account", known(id))


def task(id: object) -> Ref:
    """The `Ref` of a task."""
    return Ref(SYSTEM, "task", known(id))
