"""The fields that the package in `connectors/salesforce/package` deploys, as the org has them."""

from __future__ import annotations

from typing import Any

from simulators.salesforce.schema import (
    Field,
    Kind,
    amount,
    day,
    long_text,
    lookup,
    moment,
    number,
    pick,
    text,
)

_HUMAN: dict[str, Any] = {"human": True}
_MACHINE: dict[str, Any] = {"human": False}


def account_fields() -> list[Field]:
    """Custom fields of Account: first those that people write, then those the sync writes."""
    return [
        pick(
            "Dunning_Status__c",
            "Dunning Status",
            ["In Resolution", "Released"],
            restricted=True,
            **_HUMAN,
        ),
        day("Dunning_Hold_Until__c", "Dunning Hold Until", **_HUMAN),
        text("Dunning_Hold_Reason__c", "Dunning Hold Reason", 255, **_HUMAN),
        day("Dunning_Promise_Date__c", "Dunning Promise Date", **_HUMAN),
        pick(
            "VIP_Override__c",
            "VIP Override",
            ["Always personal", "Never VIP"],
            restricted=True,
            **_HUMAN,
        ),
        lookup("CSM__c", "CSM", "User", relationship="CSM__r", **_HUMAN),
        lookup("AP_Contact__c", "AP Contact", "Contact", relationship="AP_Contact__r", **_HUMAN),
        number("Health_Score__c", "Health Score", 5, 1, **_HUMAN),
        day("Health_Score_At__c", "Health Score At", **_HUMAN),
        pick("CS_Tier__c", "CS Tier", ["Strategic", "Enterprise", "Mid-Market", "SMB"], **_HUMAN),
        amount("Expansion_ARR__c", "Expansion ARR", **_HUMAN),
        day("Renewal_Call__c", "Renewal Call", **_HUMAN),
        pick("Contract_Type__c", "Contract Type", ["Annual", "Monthly"], restricted=True, **_HUMAN),
        day("Contract_End__c", "Contract End", **_HUMAN),
        lookup(
            "Escalation_Owner__c",
            "Escalation Owner",
            "User",
            relationship="Escalation_Owner__r",
            **_HUMAN,
        ),
        text(
            "Stripe_Customer_Id__c",
            "Stripe Customer Id",
            64,
            external_id=True,
            unique=True,
            case_sensitive=True,
            **_MACHINE,
        ),
        pick(
            "Payment_Status__c",
            "Payment Status",
            ["Current", "Payment failed", "Past due", "Paid", "Lost", "Unknown"],
            restricted=True,
            **_MACHINE,
        ),
        amount("Amount_Past_Due__c", "Amount Past Due", **_MACHINE),
        text("Past_Due_Currency__c", "Past Due Currency", 3, **_MACHINE),
        day("Past_Due_Since__c", "Past Due Since", **_MACHINE),
        moment("Last_Payment_Failure_At__c", "Last Payment Failure At", **_MACHINE),
        text("Last_Failure_Code__c", "Last Failure", 255, **_MACHINE),
        moment("Next_Payment_Attempt_At__c", "Next Payment Attempt At", **_MACHINE),
        amount("Stripe_MRR__c", "Stripe MRR", **_MACHINE),
        amount("Stripe_ARR__c", "Stripe ARR", **_MACHINE),
        Field(
            name="Stripe_Customer_URL__c",
            kind=Kind.URL,
            label="Stripe Customer URL",
            length=255,
            **_MACHINE,
        ),
        pick(
            "Dunning_Quiet_State__c",
            "Dunning Quiet State",
            ["Quiet", "Not quiet", "Unknown", "Off"],
            restricted=True,
            **_MACHINE,
        ),
        moment("Dunning_Suppressed_At__c", "Dunning Suppressed At", **_MACHINE),
        moment("Dunning_Quiet_Until__c", "Dunning Quiet Until", **_MACHINE),
        day("Subscription_Ends_On__c", "Subscription Ends On", **_MACHINE),
        day("Card_Expires_On__c", "Card Expires On", **_MACHINE),
        text("Dunning_Case_State__c", "Dunning Case State", 80, **_MACHINE),
        text("Dunning_Case_Key__c", "Dunning Case Key", 255, **_MACHINE),
        text("Dunning_Answer__c", "Dunning Answer", 255, **_MACHINE),
        long_text("Dunning_Sync_Error__c", "Dunning Sync Error", 32768, **_MACHINE),
    ]


def activity_fields() -> list[Field]:
    """Custom fields of Activity, which appear on both Task and Event."""
    return [
        text(
            "Dunning_Key__c",
            "Dunning Key",
            64,
            external_id=True,
            unique=True,
            case_sensitive=True,
            shared_on="Activity",
            **_MACHINE,
        ),
        pick(
            "Dunning_Outcome__c",
            "Dunning Outcome",
            [
                "Reached - will pay",
                "Card updated",
                "Needs time",
                "No answer",
                "Wrong contact",
                "Not needed",
            ],
            restricted=True,
            shared_on="Activity",
            **_HUMAN,
        ),
    ]
