"""The standard objects of the org, with the standard fields that this product's world needs."""

from __future__ import annotations

from typing import Any

from simulators.salesforce.custom import account_fields, activity_fields
from simulators.salesforce.schema import (
    Children,
    Field,
    Kind,
    SObject,
    amount,
    day,
    flag,
    long_text,
    lookup,
    moment,
    pick,
    table,
    text,
)

_FIXED: dict[str, Any] = {"createable": False, "updateable": False}
_DERIVED: dict[str, Any] = {"createable": False, "updateable": False, "stored": False}


def _own() -> list[Field]:
    """Fields of every object."""
    return [Field(name="Id", kind=Kind.ID, label="Record ID", length=18, required=True, **_FIXED)]


def _stamps() -> list[Field]:
    """Bookkeeping of every object that people can edit."""
    return [
        flag("IsDeleted", "Deleted", **_FIXED),
        moment("CreatedDate", "Created Date", **_FIXED),
        lookup("CreatedById", "Created By ID", "User", relationship="CreatedBy", **_FIXED),
        moment("LastModifiedDate", "Last Modified Date", **_FIXED),
        lookup(
            "LastModifiedById",
            "Last Modified By ID",
            "User",
            relationship="LastModifiedBy",
            **_FIXED,
        ),
        moment("SystemModstamp", "System Modstamp", **_FIXED),
    ]


def _mail(name: str, label: str) -> Field:
    return Field(name=name, kind=Kind.EMAIL, label=label, length=80)


def _phone(name: str, label: str) -> Field:
    return Field(name=name, kind=Kind.PHONE, label=label, length=40)


def _account() -> SObject:
    return SObject(
        name="Account",
        prefix="001",
        label="Account",
        plural="Accounts",
        fields=table(
            [
                *_own(),
                lookup(
                    "MasterRecordId",
                    "Master Record ID",
                    "Account",
                    relationship="MasterRecord",
                    **_FIXED,
                ),
                text("Name", "Account Name", 255, required=True),
                pick("Type", "Account Type", ["Prospect", "Customer", "Partner", "Other"]),
                lookup("ParentId", "Parent Account ID", "Account", relationship="Parent"),
                text("BillingCity", "Billing City", 40),
                text("BillingCountry", "Billing Country", 80),
                _phone("Phone", "Account Phone"),
                text("AccountNumber", "Account Number", 40),
                Field(name="Website", kind=Kind.URL, label="Website", length=255),
                pick("Industry", "Industry", ["Banking", "Energy", "Media", "Retail", "Other"]),
                amount("AnnualRevenue", "Annual Revenue", 18, 0),
                Field(name="NumberOfEmployees", kind=Kind.INT, label="Employees", precision=8),
                long_text("Description", "Account Description"),
                lookup("OwnerId", "Owner ID", "User", relationship="Owner"),
                day("LastActivityDate", "Last Activity", **_DERIVED),
                *_stamps(),
                *account_fields(),
            ]
        ),
        children=(
            Children("ChildAccounts", "Account", "ParentId"),
            Children("Contacts", "Contact", "AccountId"),
            Children("Cases", "Case", "AccountId"),
            Children("Tasks", "Task", "WhatId"),
            Children("Events", "Event", "WhatId"),
        ),
    )


def _contact() -> SObject:
    return SObject(
        name="Contact",
        prefix="003",
        label="Contact",
        plural="Contacts",
        fields=table(
            [
                *_own(),
                lookup("AccountId", "Account ID", "Account", relationship="Account"),
                text("LastName", "Last Name", 80, required=True),
                text("FirstName", "First Name", 40),
                text("Name", "Full Name", 121, **_DERIVED),
                text("Title", "Title", 128),
                text("Department", "Department", 80),
                _mail("Email", "Email"),
                _phone("Phone", "Business Phone"),
                _phone("MobilePhone", "Mobile Phone"),
                flag("HasOptedOutOfEmail", "Email Opt Out"),
                long_text("Description", "Contact Description"),
                lookup("OwnerId", "Owner ID", "User", relationship="Owner"),
                *_stamps(),
            ]
        ),
        children=(
            Children("Cases", "Case", "ContactId"),
            Children("Tasks", "Task", "WhoId"),
            Children("Events", "Event", "WhoId"),
        ),
    )


def _activity_parents() -> list[Field]:
    return [
        lookup("WhoId", "Name ID", "Contact", "Lead", relationship="Who"),
        lookup("WhatId", "Related To ID", "Account", "Case", relationship="What"),
        lookup("AccountId", "Account ID", "Account", relationship="Account", **_DERIVED),
    ]


def _task() -> SObject:
    return SObject(
        name="Task",
        prefix="00T",
        label="Task",
        plural="Tasks",
        fields=table(
            [
                *_own(),
                *_activity_parents(),
                Field(name="Subject", kind=Kind.COMBOBOX, label="Subject", length=255),
                day("ActivityDate", "Due Date Only"),
                pick("Status", "Status", []),
                pick("Priority", "Priority", []),
                flag("IsHighPriority", "High Priority", **_DERIVED),
                lookup("OwnerId", "Assigned To ID", "Group", "User", relationship="Owner"),
                long_text("Description", "Description", 32000),
                flag("IsClosed", "Closed", **_DERIVED),
                flag("IsArchived", "Archived", **_FIXED),
                flag("IsReminderSet", "Reminder Set"),
                moment("ReminderDateTime", "Reminder Date/Time"),
                pick("TaskSubtype", "Task Subtype", ["Task", "Email", "Call"], updateable=False),
                moment("CompletedDateTime", "Completed Date/Time", **_FIXED),
                *_stamps(),
                *activity_fields(),
            ]
        ),
    )


def _event() -> SObject:
    return SObject(
        name="Event",
        prefix="00U",
        label="Event",
        plural="Events",
        fields=table(
            [
                *_own(),
                *_activity_parents(),
                Field(name="Subject", kind=Kind.COMBOBOX, label="Subject", length=255),
                text("Location", "Location", 255),
                flag("IsAllDayEvent", "All-Day Event"),
                moment("StartDateTime", "Start Date Time", required=True),
                moment("EndDateTime", "End Date Time"),
                Field(name="DurationInMinutes", kind=Kind.INT, label="Duration", precision=8),
                day("ActivityDate", "Due Date Only", **_DERIVED),
                long_text("Description", "Description", 32000),
                lookup("OwnerId", "Assigned To ID", "User", relationship="Owner"),
                *_stamps(),
                *activity_fields(),
            ]
        ),
    )


def _case() -> SObject:
    return SObject(
        name="Case",
        prefix="500",
        label="Case",
        plural="Cases",
        fields=table(
            [
                *_own(),
                text("CaseNumber", "Case Number", 30, **_FIXED),
                lookup("ContactId", "Contact ID", "Contact", relationship="Contact"),
                lookup("AccountId", "Account ID", "Account", relationship="Account"),
                pick(
                    "Status",
                    "Status",
                    ["New", "Working", "Escalated", "Closed"],
                    default="New",
                ),
                pick("Priority", "Priority", ["High", "Medium", "Low"], default="Medium"),
                pick("Origin", "Case Origin", ["Phone", "Email", "Web"]),
                text("Subject", "Subject", 255),
                long_text("Description", "Description", 32000),
                flag("IsClosed", "Closed", **_DERIVED),
                moment("ClosedDate", "Closed Date", **_FIXED),
                lookup("OwnerId", "Owner ID", "Group", "User", relationship="Owner"),
                *_stamps(),
            ]
        ),
        children=(Children("Tasks", "Task", "WhatId"), Children("Events", "Event", "WhatId")),
    )


def _user() -> SObject:
    return SObject(
        name="User",
        prefix="005",
        label="User",
        plural="People",
        fields=table(
            [
                *_own(),
                text("Username", "Username", 80),
                text("LastName", "Last Name", 80, required=True),
                text("FirstName", "First Name", 40),
                text("Name", "Full Name", 121, **_DERIVED),
                text("Title", "Title", 80),
                Field(name="Email", kind=Kind.EMAIL, label="Email", length=128),
                flag("IsActive", "Active", default=True),
                text("TimeZoneSidKey", "Time Zone", 40),
                text("LocaleSidKey", "Locale", 40, default="en_US"),
                text("LanguageLocaleKey", "Language", 40, default="en_US"),
                text("UserType", "User Type", 40, default="Standard"),
                lookup("ManagerId", "Manager ID", "User", relationship="Manager"),
                *(one for one in _stamps() if one.name != "IsDeleted"),
            ]
        ),
    )


def _setup_objects() -> list[SObject]:
    """Objects that nobody writes through the API in this world."""

    def fixed(name: str, prefix: str, *fields: Field) -> SObject:
        return SObject(
            name=name,
            prefix=prefix,
            label=name,
            plural=name,
            fields=table([*_own(), *fields, moment("SystemModstamp", "Stamp", **_FIXED)]),
            writable=False,
        )

    return [
        fixed(
            "Organization",
            "00D",
            text("Name", "Name", 80),
            flag("IsSandbox", "Is Sandbox"),
            text("OrganizationType", "Edition", 40),
            text("InstanceName", "Instance Name", 5),
            text("TimeZoneSidKey", "Time Zone", 40),
            text("DefaultLocaleSidKey", "Locale", 40),
            text("LanguageLocaleKey", "Language", 40),
            text("NamespacePrefix", "Namespace Prefix", 15),
        ),
        fixed(
            "Group",
            "00G",
            text("Name", "Name", 40),
            text("DeveloperName", "Developer Name", 80),
            text("Type", "Type", 40),
            Field(name="Email", kind=Kind.EMAIL, label="Email", length=255),
        ),
        fixed(
            "QueueSobject",
            "03g",
            lookup("QueueId", "Group ID", "Group", relationship="Queue"),
            text("SobjectType", "Sobject Type", 40),
        ),
        fixed(
            "TaskStatus",
            "01J",
            text("MasterLabel", "Master Label", 255),
            text("ApiName", "Api Name", 255),
            Field(name="SortOrder", kind=Kind.INT, label="Sort Order", precision=9),
            flag("IsDefault", "Is Default"),
            flag("IsClosed", "Is Closed"),
        ),
        fixed(
            "TaskPriority",
            "01K",
            text("MasterLabel", "Master Label", 255),
            text("ApiName", "Api Name", 255),
            Field(name="SortOrder", kind=Kind.INT, label="Sort Order", precision=9),
            flag("IsDefault", "Is Default"),
            flag("IsHighPriority", "Is High Priority"),
        ),
    ]


def standard_objects() -> dict[str, SObject]:
    """Every object of a fresh org with the package deployed."""
    made = [_account(), _contact(), _task(), _event(), _case(), _user(), *_setup_objects()]
    return {one.name: one for one in made}


def name_object() -> SObject:
    """`Name`, the object that polymorphic parents (Owner, Who, What) look like in SOQL."""
    return SObject(
        name="Name",
        prefix="",
        label="Name",
        plural="Names",
        fields=table(
            [
                *_own(),
                text("Name", "Name", 255),
                text("FirstName", "First Name", 40),
                text("LastName", "Last Name", 80),
                text("Type", "Type", 40),
                text("Title", "Title", 128),
                text("Username", "Username", 80),
                Field(name="Email", kind=Kind.EMAIL, label="Email", length=128),
                Field(name="Phone", kind=Kind.PHONE, label="Phone", length=40),
                flag("IsActive", "Active"),
            ]
        ),
        writable=False,
    )
