"""Every knob that a file offers turns something; one that no test turns is found here."""

from __future__ import annotations

from typing import Any

import pytest

from domain.facts import Meaning
from domain.leaf import Known, Leaf
from domain.money import Money
from mappings.incoming import CrmSide
from mappings.mapping import FieldMapping
from mappings.mapping_file import check_mapping, explain_mapping, load_mapping
from mappings.merging import OurSide, look
from mappings.outgoing import is_in_scope, outgoing
from mappings.policy_file import explain_policy, load_policy
from mappings.translate import crm_parts, read_plan
from sync.crms import Crm, Crms
from sync.planned import Change, Plan, PlannedField, PlannedRecord, over
from tests.journeys.test_blast_breaker import allow, fail, people_asked
from tests.mappings.knobs import knobs, story
from tests.unit.desk import START
from tests.world import build

# ---------------------------------------------------------------- the policy

POLICY = """policy: acme
version: 1
tiers:
  - name: vip
    vip: true
    any_of:
      - {metric: mrr_t3m, op: ">", value: 5000, currency: usd}
      - {attribute: vip, is: true}
      - {signal: seats, at_least: 100}
      - {signal: not_self_serve}
    automation: held
    hold_start: intercept
    handoff: {at: day 0, task: call, due: 1 working day, high_priority: true}
    snooze: 2 working days
    window_days: no automatic end
  - name: high
    any_of:
      - {metric: mrr_t3m, op: ">=", value: 500, currency: usd}
    automation: until_in_resolution
    handoff: {at: 1/3 of the window, task: email, due: 2 working days, due_before_day: 14}
    window_days: 12
  - name: low
    handoff: {at: day 3}
escalation: [csm, account_owner, manager]
hold:
  max_working_days: 10
  warn_working_days: 1
  safety_days: 30
  on_drift: restore
  recheck_minutes: 720
  intercept_finalize_minutes: 60
  intercept_hand_back_hours: 24
calendar:
  countries: [US]
  weekend: [saturday, sunday]
  day_starts_hour: 9
  day_ends_hour: 17
  default_zone: America/New_York
package:
  health_stale_days: 14
  renewal_near_days: 60
  max_read_characters: 3000
  country_notes: {IN: "Cards there need a second step."}
crm: {primary: salesforce, elsewhere: fields}
assumed_dunning: {attempts: 8, days: 14}
base_currency: usd
rates:
  eur: {rate: 1.08, as_of: 2026-11-01}
self_serve_plans: [starter]
"""
TURNED: dict[str, tuple[str, str]] = {
    "tiers.name": ("name: high", "name: higher"),
    "tiers.vip": ("    vip: true\n", ""),
    "tiers.any_of.metric": ('{metric: mrr_t3m, op: ">="', '{metric: mrr_now, op: ">="'),
    "tiers.any_of.op": ('op: ">=", value: 500', 'op: ">", value: 1000'),
    "tiers.any_of.value": ("value: 5000", "value: 20000"),
    "tiers.any_of.currency": ("value: 500, currency: usd", "value: 500, currency: eur"),
    "tiers.any_of.attribute": ("{attribute: vip,", "{attribute: platinum,"),
    "tiers.any_of.is": ("is: true", "is: maybe"),
    "tiers.any_of.signal": ("signal: seats", "signal: entities"),
    "tiers.any_of.at_least": ("at_least: 100", "at_least: 200"),
    "tiers.automation": ("automation: until_in_resolution", "automation: held"),
    "tiers.hold_start": ("    hold_start: intercept\n", ""),
    "tiers.handoff.at": ("at: 1/3 of the window", "at: day 1"),
    "tiers.handoff.task": ("task: email", "task: todo"),
    "tiers.handoff.due": ("due: 1 working day", "due: 2 working days"),
    "tiers.handoff.due_before_day": (", due_before_day: 14", ", due_before_day: 5"),
    "tiers.handoff.high_priority": (", high_priority: true", ""),
    "tiers.snooze": ("snooze: 2 working days", "snooze: 4 working hours"),
    "tiers.window_days": ("window_days: 12", "window_days: 6"),
    "escalation": ("[csm, account_owner, manager]", "[manager, account_owner]"),
    "hold.max_working_days": ("max_working_days: 10", "max_working_days: 5"),
    "hold.warn_working_days": ("warn_working_days: 1", "warn_working_days: 3"),
    "hold.safety_days": ("safety_days: 30", "safety_days: 20"),
    "hold.on_drift": ("on_drift: restore", "on_drift: ask"),
    "hold.recheck_minutes": ("recheck_minutes: 720", "recheck_minutes: 60"),
    "hold.intercept_finalize_minutes": ("finalize_minutes: 60", "finalize_minutes: 600"),
    "hold.intercept_hand_back_hours": ("hand_back_hours: 24", "hand_back_hours: 72"),
    "calendar.countries": ("countries: [US]", "countries: []"),
    "calendar.weekend": ("weekend: [saturday, sunday]", "weekend: [friday, saturday]"),
    "calendar.day_starts_hour": ("day_starts_hour: 9", "day_starts_hour: 12"),
    "calendar.day_ends_hour": ("day_ends_hour: 17", "day_ends_hour: 15"),
    "calendar.default_zone": ("zone: America/New_York", "zone: Asia/Tokyo"),
    "package.health_stale_days": ("health_stale_days: 14", "health_stale_days: 5"),
    "package.renewal_near_days": ("renewal_near_days: 60", "renewal_near_days: 5"),
    "package.max_read_characters": ("characters: 3000", "characters: 600"),
    "package.country_notes": ("{IN:", "{FR:"),
    "rates.rate": ("rate: 1.08", "rate: 0.5"),
    "self_serve_plans": ("[starter]", "[starter, team]"),
}
"""A knob of the judgement, and another place for it: what follows must differ."""
TOLD: dict[str, tuple[str, str]] = {
    "policy": ("policy: acme", "policy: other"),
    "version": ("version: 1", "version: 2"),
    "assumed_dunning.attempts": ("attempts: 8", "attempts: 4"),
    "assumed_dunning.days": ("days: 14}\nbase", "days: 21}\nbase"),
    "base_currency": ("base_currency: usd\n", "base_currency: gbp\n"),
    "crm.primary": ("primary: salesforce", "primary: hubspot"),
    "crm.elsewhere": ("elsewhere: fields", "elsewhere: nothing"),
    "rates.as_of": ("2026-11-01", "2026-10-01"),
}
"""A knob that names or dates something: what `explain` tells must differ."""


class Nobody:
    """A CRM that is never asked, and a clock that is never looked at."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


@pytest.fixture(scope="module")
def untouched() -> str:
    """What follows from the policy as it stands."""
    return story(load_policy(POLICY, name="p.yaml"))


def changed(text: str, right: str, wrong: str) -> str:
    assert right in text, right
    return text.replace(right, wrong, 1)


@pytest.mark.parametrize("knob", TURNED)
def test_a_knob_of_the_policy_changes_what_follows(knob: str, untouched: str) -> None:
    policy = load_policy(changed(POLICY, *TURNED[knob]), name="p.yaml")
    assert story(policy) != untouched


def test_the_same_policy_twice_has_the_same_consequences(untouched: str) -> None:
    assert story(load_policy(POLICY, name="p.yaml")) == untouched


@pytest.mark.parametrize("knob", TOLD)
def test_a_knob_that_names_or_dates_something_is_told(knob: str) -> None:
    other = load_policy(changed(POLICY, *TOLD[knob]), name="p.yaml")
    assert explain_policy(other) != explain_policy(load_policy(POLICY, name="p.yaml"))


def test_the_primary_crm_comes_first_whatever_the_order_of_the_settings() -> None:
    connected = Crms(
        [Crm(system=name, title=name, reads=Nobody()) for name in ("salesforce", "hubspot")],
        clock=Nobody(),
    )
    policy = load_policy(changed(POLICY, *TOLD["crm.primary"]), name="p.yaml")
    assert [one.system for one in connected.ordered(policy.crm.primary)] == [
        "hubspot",
        "salesforce",
    ]


# ---------------------------------------------------------------- the mapping

MAPPING = """mapping: acme
version: 1
system: salesforce
object: Account
link: {customer_id: Customer__c}
only:
  - {ours: payment.status, is: [failed]}
  - {theirs: Type, is: [Client]}
templates: {line: "{payment.status}: {payment.last_failure}"}
rows:
  - ours: payment.status
    flow: ->
    theirs: Status__c
    wins: stripe
    values: {current: Ok, failed: Failed, past_due: Late, paid: Paid, lost: Lost, unknown: Odd}
  - {ours: payment.mrr, flow: ->, theirs: MRR__c, wins: stripe, convert: minor_units}
  - {ours: payment.last_failure, flow: ->, theirs: Why__c, wins: stripe, cut: 20}
  - {constant: Kidglove, flow: ->, theirs: Source__c, wins: worker}
  - {template: line, flow: ->, theirs: Line__c, wins: worker}
  - {ours: customer.email, flow: <->, theirs: Email__c, wins: if_blank}
people: {csm: CSM__c, account_owner: OwnerId}
hold:
  field: Hold__c
  until: Until__c
  reason: Reason__c
  words: {held: [Busy], released: [Over]}
promise: Promise__c
override: {field: Override__c, always: [Always], never: [Never]}
task:
  key_field: Key__c
  outcome_field: Outcome__c
  outcomes: {Paid: advances}
context:
  health: {field: Health__c, at: Health_At__c}
  cs_tier: Tier__c
  expansion: Expansion__c
  renewal_call: Call__c
  contract: Contract__c
  contract_end: End__c
  seats: Seats__c
  entities: Entities__c
  ap_contact: AP__c
limits: {tasks_per_hour: 10, blanked_fields: 2, changed_percent: 20, changed_from: 10}
"""
MAPPED: dict[str, tuple[str, str]] = {
    "link.customer_id": ("Customer__c}", "Other__c}"),
    "only.ours": ("ours: payment.status, is: [failed]", "ours: quiet.state, is: [quiet]"),
    "only.theirs": ("theirs: Type", "theirs: Industry"),
    "only.is": ("[Client]", "[Prospect]"),
    "templates": ('"{payment.status}: ', '"Payment {payment.status}: '),
    "rows.ours": ("ours: payment.mrr", "ours: payment.arr"),
    "rows.constant": ("constant: Kidglove", "constant: Worker"),
    "rows.template": ("template: line", 'constant: "line"'),
    "rows.flow": ("ours: customer.email, flow: <->", "ours: customer.email, flow: <-"),
    "rows.theirs": ("theirs: MRR__c", "theirs: Revenue__c"),
    "rows.wins": ("wins: if_blank", "wins: crm"),
    "rows.values": ("failed: Failed", "failed: Broken"),
    "rows.convert": (", convert: minor_units", ""),
    "rows.cut": ("cut: 20", "cut: 10"),
    "people": ("csm: CSM__c", "csm: Manager__c"),
    "hold.field": ("field: Hold__c", "field: Freeze__c"),
    "hold.until": ("  until: Until__c\n", ""),
    "hold.reason": ("  reason: Reason__c\n", ""),
    "hold.words.held": ("held: [Busy]", "held: [Working]"),
    "hold.words.released": ("[Over]", "[Done]"),
    "promise": ("promise: Promise__c\n", ""),
    "override.field": ("field: Override__c", "field: Vip__c"),
    "override.always": ("always: [Always]", "always: [Forever]"),
    "override.never": ("never: [Never]", "never: [Nope]"),
    "task.key_field": ("key_field: Key__c", "key_field: Id__c"),
    "task.outcome_field": ("outcome_field: Outcome__c", "outcome_field: Result__c"),
    "task.outcomes": ("Paid: advances", "Paid: asks_again"),
    "context.health.field": ("field: Health__c", "field: Score__c"),
    "context.health.at": (", at: Health_At__c", ""),
    "context.cs_tier": ("  cs_tier: Tier__c\n", ""),
    "context.expansion": ("  expansion: Expansion__c\n", ""),
    "context.renewal_call": ("  renewal_call: Call__c\n", ""),
    "context.contract": ("  contract: Contract__c\n", ""),
    "context.contract_end": ("  contract_end: End__c\n", ""),
    "context.seats": ("  seats: Seats__c\n", ""),
    "context.entities": ("  entities: Entities__c\n", ""),
    "context.ap_contact": ("  ap_contact: AP__c\n", ""),
    "limits.blanked_fields": ("blanked_fields: 2", "blanked_fields: 3"),
    "limits.changed_percent": ("changed_percent: 20", "changed_percent: 40"),
    "limits.changed_from": ("changed_from: 10", "changed_from: 11"),
}
SAID: dict[str, tuple[str, str]] = {
    "mapping": ("mapping: acme", "mapping: other"),
    "version": ("version: 1", "version: 2"),
    "system": ("system: salesforce\nobject: Account", "system: hubspot\nobject: companies"),
}
LIVE = ("limits.tasks_per_hour",)
"""What only a running engine can show."""
REFUSED: dict[str, tuple[str, str]] = {"object": ("object: Account", "object: Company")}
OURS: dict[str, Leaf[object]] = {
    "payment.status": Known("failed", "kidglove"),
    "payment.mrr": Known(Money(500_050, "usd"), "kidglove"),
    "payment.arr": Known(Money(6_000_600, "usd"), "kidglove"),
    "customer.email": Known("billing@stripe.example", "kidglove"),
    "payment.last_failure": Known("the bank declined and did not say why", "kidglove"),
}
FIELDS: dict[str, Any] = {
    "Type": "Client",
    "Until__c": "2026-12-01",
    "Reason__c": "a new card is on its way",
    "Promise__c": "2026-12-03",
    "Health__c": 62,
    "Health_At__c": "2026-11-19",
    "Tier__c": "Gold",
    "Expansion__c": 1000,
    "Call__c": "2026-12-09",
    "Contract__c": "Annual",
    "End__c": "2027-04-30",
    "Seats__c": 140,
    "Entities__c": 3,
}
CHANGED = tuple(
    PlannedRecord(
        account=number,
        record=f"001{number}",
        name=f"Customer {number}",
        fields=(
            PlannedField(name="Status__c", change=Change.OVERWRITE, before="Ok", after="Failed"),
        ),
    )
    for number in range(3)
)
LARGE = Plan(
    id="x",
    system="salesforce",
    text="",
    base="",
    made_at=START,
    fingerprint="",
    looked_at=10,
    counts={"blank": 3},
    records=CHANGED,
)
"""Three of ten records change, and three fields become empty."""


def consequences(mapping: FieldMapping) -> str:
    """Everything that a mapping decides, for one account under several words of people."""
    said = (("Busy", "Always"), ("Over", "Never"), (None, None))
    parts = [
        crm_parts(
            {**FIELDS, "Hold__c": hold, "Freeze__c": "Busy", "Override__c": override},
            mapping,
            source="crm",
            read_at=START,
            currency="usd",
        )
        for hold, override in said
    ]
    return repr(
        (
            outgoing(OURS, mapping),
            is_in_scope(mapping, OURS, FIELDS),
            parts,
            read_plan(mapping),
            [written(mapping, email) for email in ("people@crm.example", None)],
            mapping.task.meaning("Paid"),
            over(LARGE, mapping.limits),
        )
    )


def written(mapping: FieldMapping, email: str | None) -> list[tuple[str, object]]:
    """What the rows write on both sides of an account with this address in the CRM."""
    ours = OurSide(values=OURS, details={"customer.email": "billing@stripe.example"})
    crm = CrmSide(fields={**FIELDS, "Email__c": email}, people={})
    found = look(mapping, ours, crm, agreed={}, now=START)
    return [(one.key, one.value) for one in (*found.to_theirs, *found.to_ours)]


@pytest.mark.parametrize("knob", MAPPED)
def test_a_knob_of_the_mapping_changes_what_is_read_understood_or_written(knob: str) -> None:
    mapping = load_mapping(changed(MAPPING, *MAPPED[knob]), name="m.yaml")
    assert consequences(mapping) != consequences(load_mapping(MAPPING, name="m.yaml"))


@pytest.mark.parametrize("knob", SAID)
def test_a_knob_of_the_mapping_that_names_something_is_told(knob: str) -> None:
    other = load_mapping(changed(MAPPING, *SAID[knob]), name="m.yaml")
    assert explain_mapping(other) != explain_mapping(load_mapping(MAPPING, name="m.yaml"))


@pytest.mark.parametrize("knob", REFUSED)
def test_a_knob_that_has_one_right_place_takes_no_other(knob: str) -> None:
    (found,) = check_mapping(changed(MAPPING, *REFUSED[knob]), name="m.yaml")
    assert found.fix == "Write `object: Account`."


@pytest.mark.parametrize(("word", "means"), [("Paid", Meaning.ADVANCES), ("Lost", None)])
def test_only_a_mapped_outcome_means_something(word: str, means: Meaning | None) -> None:
    assert load_mapping(MAPPING, name="m.yaml").task.meaning(word) is means


@pytest.mark.parametrize("limit", [1, 2])
def test_no_more_people_are_asked_in_an_hour_than_the_mapping_allows(
    database_url: str, redis_url: str, limit: int
) -> None:
    world = build(database_url, redis_url)
    try:
        allow(world, f"tasks_per_hour: {limit}")
        assert people_asked(world, fail(world, 3)) == limit
    finally:
        world.close()


# ---------------------------------------------------------------- none is forgotten


@pytest.mark.parametrize(
    ("kind", "turned"),
    [("policy", [*TURNED, *TOLD]), ("mapping", [*MAPPED, *SAID, *REFUSED, *LIVE])],
)
def test_every_knob_of_the_schema_is_turned_by_a_test(kind: str, turned: list[str]) -> None:
    assert sorted(turned) == sorted(knobs(kind))
