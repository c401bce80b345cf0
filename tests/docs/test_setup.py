"""Somebody sets up a live account by these pages: what they list must be what the code asks for."""

from __future__ import annotations

import json
import re

import pytest

from connectors.hubspot.doctor import ONLY_A_PERSON_KNOWS as ASKED_OF_HUBSPOT
from connectors.hubspot.journal import SCOPES as JOURNAL_SCOPES
from connectors.hubspot.manifest import MANIFEST as HUBSPOT_FACTS
from connectors.hubspot.schema import GROUP_LABEL, WANTED
from connectors.salesforce.doctor import ONLY_A_PERSON_KNOWS
from connectors.stripe.dashboard import DASHBOARD_ONLY
from connectors.stripe.events import EVENTS
from connectors.stripe.manifest import SCOPES
from connectors.stripe.versions import API_VERSION
from jobs.crms import CRMS
from mappings.mapping_file import default_mapping
from mappings.policy_file import preset_names
from ops.lines import line_id
from tests.docs.documents import ROOT, documents

STRIPE = documents("docs/setup-stripe.md")[0]
SALESFORCE = documents("docs/setup-salesforce.md")[0]
HUBSPOT = documents("docs/setup-hubspot.md")[0]
WRONG_LINK = documents("docs/runbooks/wrong-link.md")[0]
APP = ROOT / "connectors/hubspot/app"
PACKAGE = ROOT / "connectors/salesforce/package"


def test_the_endpoint_gets_exactly_the_events_that_we_follow() -> None:
    listed = [said.text for said in STRIPE.fenced if re.fullmatch(r"[a-z_]+\.[a-z_.]+", said.text)]
    assert listed == list(EVENTS)


def test_the_key_gets_exactly_the_permissions_that_we_need() -> None:
    named = [scope.name for scope in SCOPES if scope.name.startswith("rak_")]
    listed = [row[0].strip("`") for row in STRIPE.rows("1. The key") if row[0].startswith("`rak_")]
    assert sorted(listed) == sorted(named)


def test_the_endpoint_is_made_with_our_version() -> None:
    assert API_VERSION in {said.text for said in STRIPE.spans}


def test_every_line_that_only_a_person_can_confirm_is_explained() -> None:
    asked = [line_id("stripe", one.check) for one in DASHBOARD_ONLY]
    asked += [line_id("salesforce", check) for check, _, _ in ONLY_A_PERSON_KNOWS]
    asked += [line_id("hubspot", check) for check, _, _ in ASKED_OF_HUBSPOT]
    told = {said.text for said in (*STRIPE.spans, *SALESFORCE.spans, *HUBSPOT.spans)}
    assert sorted(set(asked) - told) == []


def test_every_policy_that_is_shown_ships() -> None:
    shown = {
        words[3]
        for document in (STRIPE, SALESFORCE)
        for said in document.commands("kidglove")
        if (words := said.text.split())[1:3] == ["policy", "explain"] and len(words) > 3
    }
    assert sorted(shown - set(preset_names())) == []


def test_every_field_that_a_page_names_is_in_the_package() -> None:
    labels = {
        label
        for file in PACKAGE.rglob("*.xml")
        for label in re.findall(r"<label>(.*?)</label>", file.read_text(encoding="utf-8"))
    }
    named = set(re.findall(r"\*((?:Dunning|Kidglove|Payment|VIP) [A-Za-z ]+)\*", SALESFORCE.text))
    assert sorted(named - labels) == []


@pytest.mark.parametrize("manifest", ["package.xml", "notify.xml", "path.xml"])
def test_every_part_of_the_package_is_deployed_somewhere(manifest: str) -> None:
    assert f"--manifest manifest/{manifest}" in SALESFORCE.text
    assert (PACKAGE / "manifest" / manifest).is_file()


def test_hubspots_key_and_app_get_exactly_the_scopes_that_we_need() -> None:
    needed = sorted(scope.name for scope in HUBSPOT_FACTS.scopes)
    listed = [row[0].strip("`") for row in HUBSPOT.rows("1. The key")]
    app = json.loads((APP / "src/app/app-hsmeta.json").read_text(encoding="utf-8"))
    assert sorted(listed) == needed
    assert app["config"]["auth"]["requiredScopes"] == needed


def test_the_scopes_of_hubspots_journal_are_those_that_we_ask_for() -> None:
    listed = [row[0].strip("`") for row in HUBSPOT.rows("6. Be told at once")]
    assert listed == list(JOURNAL_SCOPES)


def test_hubspots_app_tells_us_of_everything_that_people_write() -> None:
    mapping = default_mapping("hubspot")
    file = APP / "src/app/webhooks/webhooks-hsmeta.json"
    config = json.loads(file.read_text(encoding="utf-8"))["config"]
    told = [
        (one["subscriptionType"], one.get("propertyName"))
        for one in config["subscriptions"]["crmObjects"]
    ]
    assert told == [
        *(("object.propertyChange", name) for name in mapping.watched_fields),
        ("object.merge", None),
        ("object.deletion", None),
        ("object.restore", None),
    ]
    assert config["settings"]["targetUrl"].endswith("/webhooks/hubspot")


@pytest.mark.parametrize("crm", sorted(CRMS))
def test_who_mends_a_wrong_link_is_told_the_field_of_each_crm(crm: str) -> None:
    assert f"`{default_mapping(crm).customer_field}`" in WRONG_LINK.text
    assert f"kidglove link reject {crm} " in WRONG_LINK.text


def test_every_property_that_hubspots_page_names_is_made_by_the_set_up() -> None:
    labels = {one.label for one in WANTED} | {GROUP_LABEL}
    plain = " ".join(HUBSPOT.text.split())
    shown = set(
        re.findall(r"\*((?:Billing|Payment|Dunning|VIP|Kidglove|Customer) [^*>]+)\*", plain)
    )
    known = labels | {"Billing contact", "Dunning Status"}
    assert sorted(shown - known) == []
