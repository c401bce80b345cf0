"""Mapped fields over the wire: what people say in the CRM, noted in Stripe; and our own fields."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.rows import WrittenValue
from jobs.runtime import PAYMENTS_SYSTEM
from mappings.mapping_file import default_mapping_text, load_mapping
from sync.configs import mapping_name
from sync.fields import Fields
from tests.journeys.quiet_scenes import failed_high
from tests.world import ORG_SECRET, World

CRM = "salesforce"
WATCHED = (
    "CS_Tier__c",
    "Health_Score__c",
    "Phone",
    "BillingCity",
    "BillingCountry",
    "Payment_Status__c",
    "OwnerId",
    "AP_Contact__c",
)
NOTES = """
  - {ours: account.tier, flow: <-, theirs: CS_Tier__c, wins: crm}
  - {ours: account.vip, flow: <-, theirs: VIP_Override__c, wins: crm}
  - {ours: account.owner, flow: <-, theirs: OwnerId, wins: crm}
  - {ours: account.ap_contact, flow: <-, theirs: AP_Contact__c, wins: crm}
  - {ours: account.health, flow: <-, theirs: Health_Score__c, wins: crm}
  - {ours: account.resolution, flow: <-, theirs: Dunning_Status__c, wins: crm}
  - {ours: account.promise, flow: <-, theirs: Dunning_Promise_Date__c, wins: crm}
"""


def put_rows(world: World, *rows: str, instead: tuple[str, str] = ("", "")) -> None:
    """A new version of the shipped mapping with these rows more, and one text replaced."""
    text = default_mapping_text(CRM).replace(*instead)
    text = text.replace("\nrows:\n", "\nrows:\n" + "".join(row.lstrip("\n") for row in rows), 1)
    load_mapping(text, name="m.yaml")
    with world.runtime.store.begin() as tx:
        tx.system.add_config(
            mapping_name(CRM), text, author="admin", note="a test", now=world.clock.now()
        )


def both_ways(wins: str, *, theirs: str = "Phone", ours: str = "customer.phone") -> str:
    return f"  - {{ours: {ours}, flow: <->, theirs: {theirs}, wins: {wins}}}\n"


def hear_all(world: World) -> None:
    """Let the org tell of each of these fields, of our own edits too."""
    url = f"{world.edge.url}/webhooks/salesforce/outbound/{ORG_SECRET}"
    world.org.watch(url, fields=WATCHED, echoes=True)


def customer_at_stripe(world: World, customer: str) -> dict[str, Any]:
    return dict(world.stripe.world.customer(customer))


def notes(world: World, customer: str) -> dict[str, str]:
    return dict(customer_at_stripe(world, customer)["metadata"])


def in_stripe(world: World, customer: str, **changes: object) -> None:
    """Somebody edits the customer in the Dashboard."""
    record = world.stripe.world.customer(customer)
    world.stripe.world.edit(record, "customer.updated", changes)


def customer_writes(world: World) -> list[dict[str, Any]]:
    """What we sent to customers, in order."""
    return [dict(call.params) for call in world.stripe.writes() if "/customers/" in call.path]


def account_writes(world: World, account: str) -> int:
    return sum(account in seen.wrote for seen in world.org.writes())


def why(world: World, system: str, record: str, field: str) -> list[WrittenValue]:
    with world.runtime.store.begin() as tx:
        return tx.written.why(system, record, field)


def scene(world: World, *rows: str, **fields: Any) -> tuple[str, str]:
    """An account with an open case, under a mapping with these rows."""
    put_rows(world, *rows)
    hear_all(world)
    return failed_high(world, **fields)


# ---------------------------------------------------------------- the CRM's word in Stripe


@pytest.mark.req("R6")
def test_what_people_say_in_the_crm_is_noted_on_the_customer(world: World) -> None:
    customer, account = scene(world, NOTES, CS_Tier__c="Enterprise")
    contact = world.org.add_contact(account, "Mia", "Berg", "mia@northgate.example")
    before = customer_at_stripe(world, customer)

    world.csm(
        account,
        AP_Contact__c=contact,
        VIP_Override__c="Always personal",
        Dunning_Status__c="In Resolution",
        Dunning_Promise_Date__c="2026-11-27",
    )
    world.settle()

    assert customer_at_stripe(world, customer) == before | {
        "metadata": {
            "kidglove_tier": "Enterprise",
            "kidglove_vip": "Always personal",
            "kidglove_owner": "Felix Nordstrom",
            "kidglove_ap_contact": "Mia Berg <mia@northgate.example>",
            "kidglove_health": "62",
            "kidglove_resolution": "In Resolution",
            "kidglove_promise": "2026-11-27",
        }
    }


@pytest.mark.req("R6")
def test_what_is_taken_away_in_the_crm_is_taken_away_in_stripe(world: World) -> None:
    customer, account = scene(world, NOTES, CS_Tier__c="Enterprise")
    in_stripe(world, customer, metadata={**notes(world, customer), "theirs": "stays"})

    world.csm(account, CS_Tier__c=None)
    world.settle()

    assert notes(world, customer) == {
        "kidglove_owner": "Felix Nordstrom",
        "kidglove_health": "62",
        "theirs": "stays",
    }


def test_without_a_row_with_an_arrow_inwards_no_customer_is_written(world: World) -> None:
    customer, account = scene(world, CS_Tier__c="Enterprise")

    world.csm(account, Dunning_Status__c="In Resolution", Phone="+1 212 555 0100")
    world.settle()

    assert customer_writes(world) == []
    assert notes(world, customer) == {}


def test_only_what_has_changed_is_sent(world: World) -> None:
    _, account = scene(world, NOTES, CS_Tier__c="Enterprise")
    sent = len(customer_writes(world))

    world.csm(account, CS_Tier__c="Strategic")
    world.settle()

    (call,) = customer_writes(world)[sent:]
    assert call == {"metadata": {"kidglove_tier": "Strategic"}}


# ---------------------------------------------------------------- no loop


@pytest.mark.req("R19")
def test_the_echo_of_a_note_is_heard_and_nothing_follows(world: World) -> None:
    customer, account = scene(world, NOTES, CS_Tier__c="Enterprise")
    world.stripe.postman.dial.held = True
    world.csm(account, CS_Tier__c="Strategic")
    world.settle()
    stripe, crm = len(world.stripe.writes()), len(world.org.writes())
    heard = len(world.stripe.postman.delivered)

    world.stripe.postman.dial.held = False
    world.settle()

    assert len(world.stripe.postman.delivered) > heard
    assert (len(world.stripe.writes()), len(world.org.writes())) == (stripe, crm)
    assert notes(world, customer)["kidglove_tier"] == "Strategic"


@pytest.mark.req("R19")
def test_a_persons_edit_of_a_note_a_second_later_is_answered_by_one_write(world: World) -> None:
    customer, _ = scene(world, NOTES, CS_Tier__c="Enterprise")
    sent = len(world.stripe.writes())
    world.advance(timedelta(seconds=1))

    in_stripe(world, customer, metadata={**notes(world, customer), "kidglove_tier": "mine"})
    world.settle()

    assert notes(world, customer)["kidglove_tier"] == "Enterprise"
    assert len(world.stripe.writes()) == sent + 1
    (newest, *_) = why(world, PAYMENTS_SYSTEM, customer, "metadata.kidglove_tier")
    assert (newest.value, newest.replaced, newest.wins) == ("Enterprise", "mine", "crm")


@pytest.mark.req("R19")
def test_the_same_edit_made_twice_is_put_back_twice(world: World) -> None:
    customer, _ = scene(world, NOTES, CS_Tier__c="Enterprise")
    for _ in range(2):
        in_stripe(world, customer, metadata={**notes(world, customer), "kidglove_tier": "mine"})
        world.settle()

    assert notes(world, customer)["kidglove_tier"] == "Enterprise"


@pytest.mark.req("R19")
def test_a_text_that_is_cut_for_stripe_is_not_sent_again(world: World) -> None:
    row = "  - {ours: account.tier, flow: <-, theirs: Description, wins: crm}\n"
    customer, account = scene(world, row, Description="x" * 800)
    sent = len(customer_writes(world))

    world.csm(account, Dunning_Status__c="In Resolution")
    world.days(1)

    assert len(notes(world, customer)["kidglove_tier"]) == 500
    assert len(customer_writes(world)) == sent


# ---------------------------------------------------------------- a machine's field


@pytest.mark.req("R20")
@pytest.mark.parametrize(("wins", "says"), [("human", "Current"), ("ask", "Current")])
def test_a_persons_edit_of_our_field_stays_where_the_row_says_so(
    world: World, wins: str, says: str
) -> None:
    row = "theirs: Payment_Status__c\n    wins: stripe"
    put_rows(world, instead=(row, row.replace("stripe", wins)))
    hear_all(world)
    _, account = failed_high(world)
    assert world.org.get(account)["Payment_Status__c"] == "Payment failed"

    world.csm(account, Payment_Status__c="Current")
    world.days(1)

    assert world.org.get(account)["Payment_Status__c"] == says
    assert len(Fields(world.runtime.store, world.clock).questions()) == (wins == "ask")


@pytest.mark.req("R20")
def test_a_persons_edit_of_our_field_is_put_back_and_kept_in_the_history(world: World) -> None:
    _, account = scene(world)

    world.csm(account, Payment_Status__c="Current")
    world.settle()

    (newest, *_) = why(world, CRM, account, "Payment_Status__c")
    assert (newest.value, newest.replaced) == ("Payment failed", "Current")
    assert (newest.wins, newest.rule, newest.actor) == ("stripe", "fields.project", "kidglove")


# ---------------------------------------------------------------- every write can be explained


@pytest.mark.req("R25")
def test_every_value_that_we_wrote_on_a_customer_says_where_it_came_from(world: World) -> None:
    customer, account = scene(world, NOTES, both_ways("crm"), CS_Tier__c="Enterprise")
    world.csm(account, Phone="+1 212", Dunning_Status__c="In Resolution", CS_Tier__c=None)
    world.settle()

    sent = customer_writes(world)
    assert sent
    for call in sent:
        fields = [f"metadata.{name}" for name in call.get("metadata", {})]
        fields += [name for name in call if name != "metadata"]
        for field in fields:
            rows = why(world, PAYMENTS_SYSTEM, customer, field)
            assert rows, f"nobody knows why {field} was written"
            assert all(row.cause and row.rule and row.config_version and row.wins for row in rows)
    (newest, *_) = why(world, PAYMENTS_SYSTEM, customer, "metadata.kidglove_tier")
    assert (newest.value, newest.replaced) == (None, "Enterprise")
    assert newest.config_version.endswith("mapping:salesforce@1")
    assert newest.cause.startswith("salesforce:")


def test_somebody_who_edits_between_the_look_and_the_write_is_not_written_over(
    world: World,
) -> None:
    customer, account = scene(world, both_ways("crm"), Phone="+49 30")
    deliver = world.runtime.deliver[PAYMENTS_SYSTEM].run
    edits = ["+44 20"]

    def late(accounts: Any) -> Any:
        if edits and customer_at_stripe(world, customer)["phone"] == "+49 30":
            in_stripe(world, customer, phone=edits.pop())
        return deliver(accounts)

    world.runtime.deliver[PAYMENTS_SYSTEM].run = late  # type: ignore[method-assign]
    world.csm(account, Phone="+1 212")
    world.advance(timedelta(minutes=1))

    # Both have changed by then: the row's winner is asked anew, and what lost is in the history.
    assert customer_at_stripe(world, customer)["phone"] == "+1 212"
    assert world.org.get(account)["Phone"] == "+1 212"
    (newest, *_) = why(world, PAYMENTS_SYSTEM, customer, "phone")
    assert newest.replaced == "+44 20"
