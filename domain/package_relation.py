"""What the CRM adds to the package: who the customer is, how they feel, who speaks with them."""

from __future__ import annotations

from typing import TypeVar

from domain.facts import Person, Role, Ticket
from domain.leaf import Known, Leaf, Missing, mapped
from domain.package_schema import (
    Account,
    Health,
    LastTouch,
    PayingContact,
    People,
    Support,
    TicketPart,
)
from domain.package_sources import Sources, solid
from domain.wording import clean, safe_url

T = TypeVar("T")
NO_TALK = "none on record"
TICKETS_SHOWN = 3
"""More titles than this are read by nobody before a call; the count is always complete."""


def account(sources: Sources) -> Account:
    """Who the customer is, by the CRM's name or else the payment system's."""
    picture = sources.payments
    name = sources.from_crm(sources.crm.name if sources.crm else None, "it has no name in the CRM")
    if isinstance(name, Missing) and picture and picture.name and clean(picture.name):
        name = sources.from_payments(picture.name, "")
    country = sources.from_payments(picture.country if picture else None, "not on the customer")
    notes = {code.upper(): note for code, note in sources.policy.package.country_notes.items()}
    note = notes.get(country.value.upper(), "") if isinstance(country, Known) else ""
    return Account(
        name=name,
        record=sources.from_crm(str(sources.crm.account) if sources.crm else None, ""),
        country=country,
        country_note=sources.from_policy(note) if clean(note) else Missing("no note for it"),
    )


def health(sources: Sources) -> Health:
    """The health score with its age; past the policy's limit it is called stale."""
    score = solid(sources.crm.health) if sources.crm else sources.from_crm(None, "")
    if isinstance(score, Missing):
        return Health(score=score, source=score, age=score, is_stale=score)
    undated = Missing("the score carries no date")
    if score.as_of is None:
        return Health(
            score=score,
            source=Known(score.source, score.source),
            age=undated,
            is_stale=undated,
        )
    reader = sources.reader
    days = max((reader.today - reader.local(score.as_of).date()).days, 0)
    return Health(
        score=score,
        source=Known(score.source, score.source, score.as_of),
        age=Known(days, score.source, score.as_of),
        is_stale=Known(days > sources.policy.package.health_stale_days, score.source, score.as_of),
    )


def support(sources: Sources) -> Support:
    """How many tickets are open, and up to three of them."""
    tickets = sources.crm.tickets if sources.crm else sources.from_crm(None, "")
    return Support(
        open=solid(mapped(tickets, len)),
        top3=solid(mapped(tickets, lambda every: tuple(map(_ticket, every[:TICKETS_SHOWN])))),
    )


def _ticket(ticket: Ticket) -> TicketPart:
    title = ticket.title if clean(ticket.title) else f"ticket {ticket.id}"
    url = safe_url(ticket.url)
    return TicketPart(
        title=title,
        priority=Known(ticket.priority, "ticket")
        if ticket.priority and clean(ticket.priority)
        else Missing("no priority set"),
        url=Known(url, "ticket") if url else Missing("no link to it"),
    )


def last_touch(sources: Sources) -> LastTouch:
    """When customer success last spoke with the customer, or that it is not on record."""
    touch = sources.crm.last_touch if sources.crm else sources.from_crm(None, "")
    if isinstance(touch, Missing) or touch.value is None:
        is_said = isinstance(touch, Missing) and clean(touch.because)
        none = Missing(touch.because if isinstance(touch, Missing) and is_said else NO_TALK)
        return LastTouch(at=none, who=none, kind=none, line=none)
    last, source = touch.value, touch.source
    return LastTouch(
        at=Known(last.at, source, touch.as_of),
        who=solid(Known(last.who, source, touch.as_of)),
        kind=solid(Known(last.kind, source, touch.as_of)),
        line=solid(Known(last.line, source, touch.as_of)),
    )


def people(sources: Sources, next_owner: Person | None) -> People:
    """Who is involved on both sides, and who gets the work next."""
    contact = sources.crm.ap_contact if sources.crm else sources.from_crm(None, "")
    if isinstance(contact, Known) and not clean(contact.value.name):
        contact = Missing("the contact has no name")
    return People(
        ap_contact=solid(
            mapped(
                contact,
                lambda one: PayingContact(
                    name=one.name,
                    email=Known(one.email, contact.source, contact.as_of)
                    if isinstance(contact, Known) and one.email and clean(one.email)
                    else Missing("no mail address on file"),
                    is_gone=one.is_gone,
                ),
            )
        ),
        relationship_owner=_colleague(sources, Role.OWNER),
        csm=_colleague(sources, Role.CSM),
        sender=Missing("chosen when the mail is written"),
        next_owner=sources.from_policy(next_owner.name)
        if next_owner and clean(next_owner.name)
        else Missing("nobody is left in the chain"),
    )


def _colleague(sources: Sources, role: Role) -> Leaf[str]:
    person = sources.crm.people.get(role) if sources.crm else None
    if person is None:
        return sources.from_crm(None, "nobody has this role in the CRM")
    state = "" if person.is_active else ", no longer active"
    away = ", away" if person.is_active and person.is_away else ""
    return sources.from_crm(
        f"{person.name}{state}{away}" if clean(person.name) else None, "the person has no name"
    )
