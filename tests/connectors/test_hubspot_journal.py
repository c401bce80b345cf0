"""The journal is another way to hear of changes: no public address, three days of memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from redis import Redis
from structlog.testing import capture_logs

from connectors.hubspot.connector import HubspotConnector
from connectors.hubspot.journal import SCOPES
from connectors.hubspot.setup import Did
from domain.errors import Unauthorized
from domain.ids import Ref
from domain.ports import Hint, TaskChange
from jobs.hubspot_wiring import build, subscribe
from mappings.mapping import FieldMapping
from mappings.mapping_file import default_mapping
from settings import HubspotSettings, Settings
from simulators.faults import Fault, Harm
from tests.connectors.hubspot_stage import Stage, staged

MAPPING = default_mapping("hubspot")


class At:
    """The stage's clock as the wiring wants it."""

    def __init__(self, stage: Stage) -> None:
        self.now = stage.clock.now


def settings(
    stage: Stage,
    *,
    use_journal: bool = True,
    secret: str | None = None,
    portal: str = "",
    csm: str = "",
) -> Settings:
    known = stage.sim.credentials()
    return Settings(
        hubspot=HubspotSettings.model_validate(
            {
                "token": known["service_key"],
                "api_base": stage.sim.url,
                "portal_id": portal or str(known["portal_id"]),
                "client_id": known["client_id"],
                "app_secrets": [secret or known["client_secret"]],
                "use_journal": use_journal,
                "csm_owner_property": csm,
            }
        )
    )


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        list(subscribe(settings(stage)))
        yield stage


@pytest.fixture
def connector(stage: Stage, redis_url: str) -> HubspotConnector:
    return built(stage, redis_url)


def built(
    stage: Stage, redis_url: str, *, mapping: FieldMapping = MAPPING, **more: str | bool
) -> HubspotConnector:
    return build(
        settings(stage, **more),  # type: ignore[arg-type]
        mapping=mapping,
        clock=At(stage),
        connection=Redis.from_url(redis_url),
    )


def listed(
    stage: Stage, connector: HubspotConnector, cursor: str | None = None
) -> tuple[Sequence[Hint], str]:
    page = connector.changes(cursor, now=stage.clock.now())
    assert page.is_last
    return page.hints, page.cursor


def hold(stage: Stage, word: str = "in_resolution") -> None:
    stage.sim.human(stage.csm).set_company(stage.company, billing_resolution_status=word)


def test_subscribing_twice_is_subscribing_once(stage: Stage) -> None:
    again = list(subscribe(settings(stage)))
    assert [(one.what, one.did) for one in again] == [
        ("journal: companies", Did.THERE),
        ("journal: tasks", Did.THERE),
    ]


def test_a_dry_run_subscribes_to_nothing() -> None:
    with staged() as stage:
        first = list(subscribe(settings(stage), dry_run=True))
        again = list(subscribe(settings(stage), dry_run=True))
    assert {one.did for one in (*first, *again)} == {Did.WOULD_MAKE}


def test_without_the_journal_nothing_is_asked(stage: Stage) -> None:
    stage.sim.forget_requests()
    assert list(subscribe(settings(stage, use_journal=False))) == []
    assert stage.sim.requests == []


def test_what_a_person_writes_is_a_hint_at_the_company(
    stage: Stage, connector: HubspotConnector
) -> None:
    hold(stage)
    [hint] = listed(stage, connector)[0]
    assert (hint.ref, hint.topic, hint.at) == (stage.ref, "company.update", stage.clock.now())


def test_a_completed_task_is_a_hint_at_its_company(
    stage: Stage, connector: HubspotConnector
) -> None:
    connector.write([TaskChange(key="k-1", account=stage.ref, subject="x", owner_id=stage.csm)])
    _, cursor = listed(stage, connector)
    stage.sim.human(stage.csm).complete_task(stage.tasks()[0]["id"])
    assert {one.ref for one in listed(stage, connector, cursor)[0]} == {stage.ref}


def test_nothing_is_told_twice_and_nothing_is_lost_between_two_looks(
    stage: Stage, connector: HubspotConnector
) -> None:
    hold(stage)
    first, cursor = listed(stage, connector)
    hold(stage, "released")
    second, cursor = listed(stage, connector, cursor)
    third, _ = listed(stage, connector, cursor)
    assert (len(first), len(second), len(third)) == (1, 1, 0)


def test_a_merge_hints_at_every_company_that_it_names(
    stage: Stage, connector: HubspotConnector
) -> None:
    other = stage.sim.add_company("Aurelius Holding", stripe_customer_id="cus_other")
    _, cursor = listed(stage, connector)
    stage.sim.merge_companies(other, stage.company)
    found = {one.ref for one in listed(stage, connector, cursor)[0]}
    assert {Ref("hubspot", "account", other), stage.ref} <= found


def test_after_more_than_three_days_it_begins_with_what_is_kept(
    stage: Stage, connector: HubspotConnector
) -> None:
    hold(stage)
    _, cursor = listed(stage, connector)
    stage.clock.advance(timedelta(days=4))
    hold(stage, "released")
    assert [one.ref for one in listed(stage, connector, cursor)[0]] == [stage.ref]


def test_a_cursor_of_the_search_begins_the_journal_and_the_other_way_round(
    stage: Stage, connector: HubspotConnector, redis_url: str
) -> None:
    hold(stage)
    searching = built(stage, redis_url, use_journal=False)
    _, searched = listed(stage, searching)
    found, noted = listed(stage, connector, searched)
    assert [one.ref for one in found] == [stage.ref]
    stage.clock.advance(timedelta(minutes=1))
    assert [one.ref for one in listed(stage, searching, noted)[0]] == [stage.ref]


def test_a_stale_token_is_renewed_once(stage: Stage, connector: HubspotConnector) -> None:
    listed(stage, connector)
    stage.clock.advance(timedelta(hours=1))
    hold(stage)
    assert len(listed(stage, connector)[0]) == 1


def test_the_first_look_under_another_mapping_asks_for_its_properties(
    stage: Stage, connector: HubspotConnector, redis_url: str
) -> None:
    _, cursor = listed(stage, connector)
    another = built(stage, redis_url, mapping=replace(MAPPING, promise="phone"))
    _, cursor = listed(stage, another, cursor)

    stage.sim.human(stage.csm).set_company(stage.company, phone="+44 20 7946 0000")

    assert [one.ref for one in listed(stage, another, cursor)[0]] == [stage.ref]


def test_a_csm_in_the_property_that_the_settings_name_is_news(stage: Stage, redis_url: str) -> None:
    named = built(stage, redis_url, csm="phone")
    _, cursor = listed(stage, named)

    stage.sim.human(stage.csm).set_company(stage.company, phone="41629007")

    assert [one.ref for one in listed(stage, named, cursor)[0]] == [stage.ref]


def test_subscribing_asks_for_the_csm_that_the_settings_name() -> None:
    with staged() as stage:
        list(subscribe(settings(stage, csm="phone")))
        again = list(subscribe(settings(stage, csm="phone")))
        before = list(subscribe(settings(stage, csm="city"), dry_run=True))
    assert [one.did for one in again] == [Did.THERE, Did.THERE]
    assert [one.did for one in before] == [Did.WOULD_MAKE, Did.THERE]


def test_a_mapping_whose_properties_are_noted_subscribes_to_nothing(
    stage: Stage, connector: HubspotConnector
) -> None:
    written = len(stage.sim.writes())

    listed(stage, connector)
    listed(stage, connector)

    assert len(stage.sim.writes()) == written
    assert stage.sim.requests[-1].path.endswith("/batch/earliest/50")


def test_a_wrong_secret_is_told_without_telling_it(stage: Stage, redis_url: str) -> None:
    connector = built(stage, redis_url, secret="guessed-secret")
    with pytest.raises(Unauthorized) as refused:
        connector.changes(None, now=stage.clock.now())
    assert "guessed-secret" not in f"{refused.value!r}{refused.value.remedy}"


@pytest.mark.parametrize("scope", ["crm.objects.companies.read", "crm.objects.contacts.read"])
def test_a_scope_that_the_app_lacks_is_told_with_all_that_it_needs(
    stage: Stage, redis_url: str, scope: str
) -> None:
    stage.sim.revoke_scope(scope)
    with pytest.raises(Unauthorized) as refused:
        built(stage, redis_url).changes(None, now=stage.clock.now())
    assert all(one in refused.value.remedy for one in SCOPES)


def event(stage: Stage, company: object, **more: object) -> dict[str, object]:
    return {
        "type": "object",
        "portalId": stage.sim.portal_id,
        "occurredAt": "2026-11-20T14:00:00Z",
        "action": "UPDATE",
        "objectTypeId": "0-2",
        "objectId": company,
        **more,
    }


def test_what_the_app_hears_of_another_portal_is_no_hint(
    stage: Stage, connector: HubspotConnector
) -> None:
    stage.sim.write_journal([event(stage, stage.company, portalId=4711)])
    assert listed(stage, connector)[0] == ()


def test_another_portals_subscription_does_not_stand_for_ours() -> None:
    with staged() as stage:
        list(subscribe(settings(stage, portal="4711")))
        assert {one.did for one in subscribe(settings(stage))} == {Did.MADE}


@pytest.mark.parametrize(
    "odd",
    [
        "no object",
        {"objectTypeId": "0-2"},
        {"objectTypeId": "0-2", "objectId": "1.2E+10"},
        {"objectTypeId": "0-2", "objectId": {"id": 7}, "mergedObjectIds": [[1]]},
        {"objectTypeId": "0-2", "objectId": -5, "occurredAt": {"at": 1}},
    ],
)
def test_an_odd_event_is_left_out_and_the_others_are_told(
    stage: Stage, connector: HubspotConnector, odd: object
) -> None:
    stage.sim.write_journal([odd, event(stage, int(stage.company))])
    with capture_logs() as lines:
        found, cursor = listed(stage, connector)
    assert [one.ref for one in found] == [stage.ref]
    assert {line["event"] for line in lines} == {"journal.skipped"}
    assert listed(stage, connector, cursor)[0] == ()


@pytest.mark.parametrize(
    "entry",
    [
        "no object",
        {"currentOffset": "7c9e6679-7425-40de-944b-e07fc1f90ae7"},
        {"currentOffset": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "url": None},
        {"currentOffset": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "url": "{sim}/nothing/here"},
    ],
)
def test_an_entry_without_a_file_is_left_out_and_the_others_are_told(
    stage: Stage,
    connector: HubspotConnector,
    monkeypatch: pytest.MonkeyPatch,
    entry: dict[str, Any] | str,
) -> None:
    hold(stage)
    if isinstance(entry, dict) and entry.get("url"):
        entry = {**entry, "url": entry["url"].format(sim=stage.sim.url)}
    ask = requests.Session.request

    def answering(self: Any, method: str, url: str, *args: Any, **more: Any) -> requests.Response:
        reply = ask(self, method, url, *args, **more)
        if "/batch/earliest/" in url:
            told = reply.json()
            reply._content = json.dumps({"results": [entry, *told["results"]]}).encode()
        return reply

    monkeypatch.setattr(requests.Session, "request", answering)
    with capture_logs() as lines:
        found, _ = listed(stage, connector)
    assert [one.ref for one in found] == [stage.ref]
    assert [line["event"] for line in lines] == ["journal.skipped"]


def test_the_address_of_a_file_never_sees_the_token(
    stage: Stage, connector: HubspotConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[requests.PreparedRequest] = []
    send = requests.Session.send

    def listening(self: Any, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        sent.append(request)
        return send(self, request, **more)

    monkeypatch.setattr(requests.Session, "send", listening)
    hold(stage)
    listed(stage, connector)
    told = {"/_files/" in str(one.url): "Authorization" in one.headers for one in sent[1:]}
    assert told == {False: True, True: False}


@pytest.mark.parametrize("harm", [Harm.RESET_BEFORE, Harm.HTML])
def test_a_broken_answer_is_asked_for_again(
    stage: Stage, connector: HubspotConnector, harm: Harm
) -> None:
    hold(stage)
    stage.sim.faults.arm(Fault(harm=harm, status=502, path=r".*/batch/earliest/.*"))
    assert len(listed(stage, connector)[0]) == 1
