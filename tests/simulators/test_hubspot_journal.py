"""The journal: what was missed can be fetched for three days, by who has the right credential."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hubspot_sdk import HubSpot

from tests.simulators.hubspot_stage import Desk, open_desk

SUBSCRIPTION: dict[str, Any] = {
    "subscriptionType": "OBJECT",
    "objectTypeId": "0-2",
    "portalId": 62515,
    "actions": ["CREATE", "UPDATE", "DELETE", "MERGE"],
    "objectIds": [],
    "properties": ["hold"],
}
SUBSCRIPTIONS = "/webhooks-journal/subscriptions/2026-03"
JOURNAL = "/webhooks-journal/journal/2026-03"


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from open_desk()


SCOPE = (
    "developer.webhooks_journal.read developer.webhooks_journal.subscriptions.read "
    "developer.webhooks_journal.subscriptions.write crm.objects.companies.read "
    "crm.objects.contacts.read"
)


def token_of(desk: Desk, scope: str = SCOPE) -> str:
    """A token by client credentials, which alone opens the journal."""
    known = desk.sim.credentials()
    form = {
        "grant_type": "client_credentials",
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
        "scope": scope,
    }
    answer = requests.post(f"{desk.sim.url}/oauth/2026-09/token", data=form, timeout=10)
    return str(answer.json()["access_token"])


@pytest.fixture
def key(desk: Desk) -> str:
    """A token, with one subscription made."""
    token = token_of(desk)
    assert desk.send("POST", SUBSCRIPTIONS, SUBSCRIPTION, key=token).status_code == 201
    return token


def events(desk: Desk, key: str, path: str) -> tuple[str, list[dict[str, Any]]]:
    """The offset of an entry and what stands in its file."""
    told = desk.send("GET", f"{JOURNAL}/{path}", key=key).json()
    file = requests.get(told["url"], timeout=10).json()
    assert file["offset"] == told["currentOffset"]
    return told["currentOffset"], file["journalEvents"]


def test_each_commit_is_an_entry_and_entries_follow_one_another(desk: Desk, key: str) -> None:
    human = desk.sim.human(desk.ann)
    human.set_company(desk.acme, hold="held", phone="1")
    human.set_company(desk.acme, phone="2")
    human.delete("companies", desk.acme)

    first, told = events(desk, key, "earliest")
    second, then = events(desk, key, f"offset/{first}/next")

    assert told == [
        {
            "type": "object",
            "portalId": 62515,
            "occurredAt": "2026-11-24T10:00:00Z",
            "action": "UPDATE",
            "objectTypeId": "0-2",
            "objectId": int(desk.acme),
            "changeSource": "CRM_UI",
            "sourceId": f"userId:{desk.sim.user_id_of(desk.ann)}",
            "properties": {"hold": "held"},
        }
    ]
    assert [one["action"] for one in then] == ["DELETE"]
    assert events(desk, key, "latest")[0] == second
    assert desk.send("GET", f"{JOURNAL}/offset/{second}/next", key=key).status_code == 204


def test_an_entry_is_forgotten_after_three_days_and_its_address_after_minutes(
    desk: Desk, key: str
) -> None:
    desk.sim.human(desk.ann).set_company(desk.acme, hold="held")
    told = desk.send("GET", f"{JOURNAL}/earliest", key=key).json()

    desk.later(minutes=5)
    assert requests.get(told["url"], timeout=10).status_code == 403
    desk.later(days=3)
    fresh = token_of(desk)
    assert desk.send("GET", f"{JOURNAL}/earliest", key=fresh).status_code == 204
    path = f"{JOURNAL}/offset/{told['currentOffset']}/next"
    assert desk.send("GET", path, key=fresh).status_code == 404


def test_a_service_key_does_not_open_the_journal(desk: Desk) -> None:
    assert desk.refused("GET", f"{JOURNAL}/earliest") == (403, "MISSING_SCOPES")
    assert desk.refused("POST", SUBSCRIPTIONS, SUBSCRIPTION) == (403, "MISSING_SCOPES")


@pytest.mark.parametrize(
    ("lacking", "method", "path"),
    [
        ("developer.webhooks_journal.read", "GET", f"{JOURNAL}/earliest"),
        ("developer.webhooks_journal.subscriptions.read", "GET", SUBSCRIPTIONS),
        ("developer.webhooks_journal.subscriptions.write", "POST", SUBSCRIPTIONS),
        ("crm.objects.companies.read", "POST", SUBSCRIPTIONS),
    ],
)
def test_a_token_opens_only_what_its_request_named(
    desk: Desk, lacking: str, method: str, path: str
) -> None:
    token = token_of(desk, " ".join(one for one in SCOPE.split() if one != lacking))
    refused = desk.send(method, path, SUBSCRIPTION if method == "POST" else None, key=token)
    assert refused.status_code == 403
    assert lacking in refused.text


def test_a_token_for_a_scope_that_the_app_lacks_is_refused(desk: Desk) -> None:
    desk.sim.revoke_scope("crm.objects.companies.read")
    with pytest.raises(KeyError):
        token_of(desk)


def test_what_another_portal_subscribed_to_is_not_written_for_this_one(
    desk: Desk, key: str
) -> None:
    for one in desk.send("GET", SUBSCRIPTIONS, key=key).json()["results"]:
        desk.send("DELETE", f"{SUBSCRIPTIONS}/{one['id']}", key=key)
    desk.send("POST", SUBSCRIPTIONS, {**SUBSCRIPTION, "portalId": 4711}, key=key)
    desk.sim.human(desk.ann).set_company(desk.acme, hold="held")
    assert desk.send("GET", f"{JOURNAL}/earliest", key=key).status_code == 204


def test_a_filter_lets_through_what_it_names(desk: Desk, key: str) -> None:
    [subscription] = desk.send("GET", SUBSCRIPTIONS, key=key).json()["results"]
    condition = {
        "filterType": "CRM_OBJECT_PROPERTY",
        "property": "hold",
        "operator": "EQ",
        "value": "held",
    }
    body = {"subscriptionId": subscription["id"], "filter": {"conditions": [condition]}}
    assert desk.send("POST", f"{SUBSCRIPTIONS}/filters", body, key=key).status_code == 201

    human = desk.sim.human(desk.ann)
    human.set_company(desk.acme, hold="released")
    human.set_company(desk.acme, hold="held")

    batch = desk.send("GET", f"{JOURNAL}/batch/earliest/10", key=key).json()["results"]
    assert len(batch) == 1
    assert events(desk, key, "earliest")[1][0]["properties"] == {"hold": "held"}


def test_calculated_properties_tell_nobody(desk: Desk, key: str) -> None:
    body = {**SUBSCRIPTION, "objectTypeId": "0-27", "properties": []}
    assert desk.send("POST", SUBSCRIPTIONS, body, key=key).status_code == 201
    task = desk.sim.add_task(desk.acme, "Call")

    desk.sim.human(desk.ann).complete_task(task)

    [told] = events(desk, key, "latest")[1]
    assert told["properties"] == {"hs_task_status": "COMPLETED"}


def test_links_are_told_where_they_are_subscribed_to(desk: Desk, key: str) -> None:
    body = {
        "subscriptionType": "ASSOCIATION",
        "objectTypeId": "0-27",
        "associatedObjectTypeIds": ["0-2"],
        "actions": ["ASSOCIATION_ADDED"],
        "objectIds": [],
        "portalId": 62515,
    }
    assert desk.send("POST", SUBSCRIPTIONS, body, key=key).status_code == 201

    desk.sim.add_task(None, "Other", contact=desk.sim.add_contact(None, "Dana", "Ruiz"))
    task = desk.sim.add_task(desk.acme, "Call")

    assert len(desk.send("GET", f"{JOURNAL}/batch/earliest/9", key=key).json()["results"]) == 1
    [told] = events(desk, key, "latest")[1]
    assert (told["action"], told["objectId"], told["associatedObjectId"]) == (
        "ASSOCIATION_ADDED",
        int(task),
        int(desk.acme),
    )


def test_a_link_is_told_to_whoever_subscribed_to_either_end(desk: Desk, key: str) -> None:
    body = {**SUBSCRIPTION, "actions": ["ASSOCIATION_ADDED"], "subscriptionType": "ASSOCIATION"}
    assert desk.send("POST", SUBSCRIPTIONS, body, key=key).status_code == 201

    task = desk.sim.add_task(desk.acme, "Call")

    [told] = events(desk, key, "latest")[1]
    assert (told["objectId"], told["associatedObjectId"], told["associationTypeId"]) == (
        int(desk.acme),
        int(task),
        191,
    )


def test_the_strict_client_reads_journal_subscriptions_and_tokens(desk: Desk, key: str) -> None:
    desk.sim.human(desk.ann).set_company(desk.acme, hold="held")
    known = desk.sim.credentials()
    with HubSpot(
        access_token=key,
        base_url=desk.sim.url,
        max_retries=0,
        timeout=10,
        _strict_response_validation=True,
    ) as client:
        [entry] = client.webhooks_journal.journal.batch.get_earliest(10).results
        [held] = client.webhooks_journal.subscriptions.list().results
        raw = json.loads(client.webhooks_journal.journal.get_earliest().read())
        token = client.auth.oauth.create_token(
            grant_type="refresh_token",
            client_id=known["client_id"],
            client_secret=known["client_secret"],
            refresh_token=known["refresh_token"],
        )
        told = client.auth.oauth.introspect_token(
            client_id=known["client_id"],
            client_secret=known["client_secret"],
            token=token.access_token,
            token_type_hint="access_token",
        )

    assert raw["currentOffset"] == entry.current_offset
    assert (held.object_type_id, held.properties) == ("0-2", ["hold"])
    assert (told.active, told.hub_id) == (True, 62515)
