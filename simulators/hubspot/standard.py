"""The standard objects of a portal, with the properties that this product's world needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from simulators.hubspot.schema import Group, ObjectType, Option, Property, by_name, options

_FIXED: dict[str, Any] = {"read_only": True}
_DERIVED: dict[str, Any] = {"read_only": True, "calculated": True}


def text(name: str, label: str, *, area: bool = False, html: bool = False, **more: Any) -> Property:
    """A string property."""
    kind = "html" if html else "textarea" if area else "text"
    return Property(name=name, label=label, type="string", field_type=kind, group="", **more)


def number(name: str, label: str, **more: Any) -> Property:
    """A number property."""
    return Property(name=name, label=label, type="number", field_type="number", group="", **more)


def moment(name: str, label: str, **more: Any) -> Property:
    """A datetime property."""
    return Property(name=name, label=label, type="datetime", field_type="date", group="", **more)


def flag(name: str, label: str, **more: Any) -> Property:
    """A bool property."""
    choices = (Option("Yes", "true"), Option("No", "false"))
    return Property(
        name=name,
        label=label,
        type="bool",
        field_type="booleancheckbox",
        group="",
        options=choices,
        **more,
    )


def pick(name: str, label: str, choices: tuple[Option, ...], **more: Any) -> Property:
    """An enumeration with one value."""
    return Property(
        name=name,
        label=label,
        type="enumeration",
        field_type="select",
        group="",
        options=choices,
        **more,
    )


def owner(name: str = "hubspot_owner_id", label: str = "Owner", **more: Any) -> Property:
    """An enumeration whose values are owner ids."""
    return pick(name, label, (), external_options=True, referenced="OWNER", **more)


def standard_objects() -> dict[str, ObjectType]:
    """Every object type of the portal by its plural name."""
    made = (
        _company(),
        _contact(),
        _deal(),
        _ticket(),
        *_activities(),
        _user(),
    )
    return {one.name: one for one in made}


def standard_groups(one: ObjectType) -> dict[str, Group]:
    """The property group that an object type is born with."""
    label = f"{one.singular.capitalize()} information"
    return {one.group: Group(one.group, label, 0)}


def _type(one: ObjectType, properties: Iterable[Property]) -> ObjectType:
    stamps = [
        moment(one.created, "Create Date", **_FIXED),
        moment(one.modified, "Last Modified Date", **_FIXED),
        number("hs_object_id", "Record ID", **_FIXED),
        text("hs_object_source", "Record source", **_FIXED),
        text("hs_object_source_id", "Record source ID", **_FIXED),
        text("hs_merged_object_ids", "Merged record IDs", **_FIXED),
        moment("hubspot_owner_assigneddate", "Owner assigned date", **_DERIVED),
    ]
    kept = [replace(each, group=one.group, own=True) for each in [*properties, *stamps]]
    return replace(one, properties=by_name(kept))


def _scoped(name: str, plural: str | None = None, **more: Any) -> ObjectType:
    scope = plural or name
    granular = {
        "reads": (f"crm.objects.{scope}.read",),
        "writes": (f"crm.objects.{scope}.write",),
        "schema_reads": (f"crm.schemas.{scope}.read", f"crm.objects.{scope}.read"),
        "schema_writes": (f"crm.schemas.{scope}.write",),
    }
    base: dict[str, Any] = {"created": "createdate", "modified": "hs_lastmodifieddate"}
    return ObjectType(name=name, **{**base, **granular, **more})


def _company() -> ObjectType:
    one = _scoped(
        "companies",
        id="0-2",
        singular="company",
        shown=("name", "domain"),
        group="companyinformation",
        needs_one=("name", "domain"),
        words=("name", "domain", "phone", "website"),
    )
    stages = ("subscriber", "lead", "opportunity", "customer", "evangelist", "other")
    return _type(
        one,
        [
            text("name", "Company name"),
            text("domain", "Company Domain Name"),
            text("website", "Website URL"),
            text("phone", "Phone Number"),
            text("city", "City"),
            text("country", "Country/Region"),
            text("description", "Description", area=True),
            text("industry", "Industry"),
            number("annualrevenue", "Annual Revenue"),
            pick("lifecyclestage", "Lifecycle Stage", options(*stages)),
            owner(label="Company owner"),
            pick("hs_csm_sentiment", "CSM sentiment", options("GOOD", "NEUTRAL", "BAD")),
            number("hs_pinned_engagement_id", "Pinned engagement ID"),
            flag("hs_current_customer", "Current customer", **_DERIVED),
            moment("notes_last_contacted", "Last Contacted", **_DERIVED),
            moment("notes_last_updated", "Last Activity Date", **_DERIVED),
            moment("notes_next_activity_date", "Next Activity Date", **_DERIVED),
            moment("hs_last_sales_activity_timestamp", "Last Engagement Date", **_DERIVED),
            number("num_associated_contacts", "Number of Associated Contacts", **_DERIVED),
            number("num_associated_deals", "Number of Associated Deals", **_DERIVED),
            number("hs_num_open_deals", "Number of open deals", **_DERIVED),
            number("recent_deal_amount", "Recent Deal Amount", **_DERIVED),
        ],
    )


def _contact() -> ObjectType:
    one = _scoped(
        "contacts",
        id="0-1",
        singular="contact",
        modified="lastmodifieddate",
        shown=("firstname", "lastname", "email"),
        group="contactinformation",
        needs_one=("email", "firstname", "lastname"),
        words=("firstname", "lastname", "email", "phone"),
    )
    return _type(
        one,
        [
            text("email", "Email", unique=True),
            text("firstname", "First Name"),
            text("lastname", "Last Name"),
            text("jobtitle", "Job Title"),
            text("phone", "Phone Number"),
            text("mobilephone", "Mobile Phone Number"),
            text("company", "Company Name"),
            owner(label="Contact owner"),
            number("associatedcompanyid", "Primary associated company ID", **_DERIVED),
            number("hs_pinned_engagement_id", "Pinned engagement ID"),
            moment("notes_last_contacted", "Last Contacted", **_DERIVED),
            moment("notes_last_updated", "Last Activity Date", **_DERIVED),
        ],
    )


def _deal() -> ObjectType:
    one = _scoped(
        "deals",
        id="0-3",
        singular="deal",
        shown=("dealname", "amount", "dealstage", "pipeline", "closedate"),
        group="dealinformation",
        needs_all=("dealname",),
        words=("dealname",),
    )
    return _type(
        one,
        [
            text("dealname", "Deal Name"),
            number("amount", "Amount"),
            text("pipeline", "Pipeline"),
            text("dealstage", "Deal Stage"),
            moment("closedate", "Close Date"),
            owner(label="Deal owner"),
        ],
    )


def _ticket() -> ObjectType:
    one = _scoped(
        "tickets",
        id="0-5",
        singular="ticket",
        reads=("tickets", "crm.objects.tickets.read"),
        writes=("tickets", "crm.objects.tickets.write"),
        schema_reads=("tickets", "crm.objects.tickets.read"),
        schema_writes=("tickets", "crm.schemas.tickets.write"),
        shown=("subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority"),
        group="ticketinformation",
        needs_all=("subject", "hs_pipeline_stage"),
        words=("subject", "content"),
    )
    return _type(
        one,
        [
            text("subject", "Ticket name"),
            text("content", "Ticket description", area=True),
            text("hs_pipeline", "Pipeline"),
            text("hs_pipeline_stage", "Ticket status"),
            pick("hs_ticket_priority", "Priority", options("LOW", "MEDIUM", "HIGH", "URGENT")),
            text("hs_ticket_category", "Category"),
            owner(label="Ticket owner"),
            moment("closed_date", "Close date", **_DERIVED),
            number("hs_pinned_engagement_id", "Pinned engagement ID"),
        ],
    )


def _engagement(name: str, id: str, **more: Any) -> ObjectType:
    # VENDOR: engagements have no scopes of their own but for e-mails. That these are refused
    # without it is an assumption: the older engagements API answered with blanks instead.
    return _scoped(
        name,
        "contacts",
        id=id,
        singular=name.removesuffix("s"),
        created="hs_createdate",
        shown=(),
        needs_all=("hs_timestamp",),
        **more,
    )


def _activities() -> Iterable[ObjectType]:
    common = [
        moment("hs_timestamp", "Activity date"),
        owner(label="Activity assigned to"),
        text("hs_attachment_ids", "Attachment IDs"),
        text("hs_body_preview", "Body preview", **_DERIVED),
    ]
    task = [
        text("hs_task_subject", "Task Title"),
        text("hs_task_body", "Task Notes", html=True),
        pick(
            "hs_task_status",
            "Task Status",
            options("NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED"),
        ),
        pick("hs_task_priority", "Priority", options("NONE", "LOW", "MEDIUM", "HIGH")),
        pick(
            "hs_task_type",
            "Task Type",
            options("TODO", "CALL", "EMAIL", "LINKED_IN_CONNECT", "LINKED_IN_MESSAGE"),
        ),
        text("hs_task_reminders", "Reminders"),
        moment("hs_task_completion_date", "Completed at", **_DERIVED),
        number("hs_task_is_completed", "Is completed", **_DERIVED),
        pick("hs_queue_membership_ids", "Queue", (), external_options=True),
    ]
    note = [text("hs_note_body", "Note body", html=True)]
    directions = options("INBOUND", "OUTBOUND")
    call = [
        text("hs_call_title", "Call Title"),
        text("hs_call_body", "Call notes", html=True),
        number("hs_call_duration", "Call duration"),
        pick("hs_call_direction", "Call direction", directions),
        pick(
            "hs_call_status",
            "Call status",
            options("COMPLETED", "NO_ANSWER", "BUSY", "FAILED", "CANCELED"),
        ),
    ]
    mails = options("EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL")
    email = [
        text("hs_email_subject", "Email subject"),
        text("hs_email_text", "Email body"),
        text("hs_email_html", "Email body as HTML", html=True),
        pick("hs_email_direction", "Email direction", mails),
        pick("hs_email_status", "Email send status", options("SENT", "BOUNCED", "FAILED")),
    ]
    meeting = [
        text("hs_meeting_title", "Meeting name"),
        text("hs_meeting_body", "Meeting description", html=True),
        moment("hs_meeting_start_time", "Meeting start time"),
        moment("hs_meeting_end_time", "Meeting end time"),
        pick(
            "hs_meeting_outcome",
            "Meeting outcome",
            options("SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED"),
        ),
    ]
    yield _type(
        _engagement("tasks", "0-27", group="taskinformation", words=("hs_task_subject",)),
        [*common, *task],
    )
    yield _type(_engagement("notes", "0-46", group="noteinformation"), [*common, *note])
    yield _type(_engagement("calls", "0-48", group="callinformation"), [*common, *call])
    yield _type(
        _engagement("emails", "0-49", group="emailinformation", reads=("sales-email-read",)),
        [*common, *email],
    )
    yield _type(_engagement("meetings", "0-47", group="meetinginformation"), [*common, *meeting])


def _user() -> ObjectType:
    one = _scoped(
        "users",
        id="0-115",
        singular="user",
        created="hs_createdate",
        shown=(),
        group="userinformation",
    )
    availability = options("available", "away")
    return _type(
        one,
        [
            text("hs_email", "Email", **_FIXED),
            text("hs_given_name", "First name", **_FIXED),
            text("hs_family_name", "Last name", **_FIXED),
            number("hs_internal_user_id", "User ID", **_FIXED),
            text("hubspot_owner_id", "Owner", **_FIXED),
            flag("hs_deactivated", "Deactivated", **_FIXED),
            text("hs_job_title", "Job title"),
            text("hs_standard_time_zone", "Time zone"),
            text("hs_working_hours", "Working hours"),
            text("hs_out_of_office_hours", "Out of office hours"),
            pick("hs_availability_status", "Availability", availability),
        ],
    )
