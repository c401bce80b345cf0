"""Policy files: what ships is right, and every knob turns something."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.facts import Role
from domain.policy import (
    AfterFraction,
    AfterManualRetry,
    Automation,
    CalendarRules,
    ExchangeRate,
    HoldStart,
    Never,
    OnDay,
    Policy,
    Span,
    TaskKind,
)
from mappings.policy_check import handoff_day
from mappings.policy_file import (
    check_policy,
    explain_policy,
    load_policy,
    preset,
    preset_names,
    preset_text,
)
from tests.mappings.broken import broken, right_file

RIGHT = right_file("policy.yaml")
SMALL = """\
policy: small
version: 3
tiers:
  - name: vip
    vip: true
    any_of:
      - {signal: flag}
    automation: held
    handoff: {at: day 0}
  - name: rest
    handoff: {at: day 5}
"""


# ---------------------------------------------------------------- what ships


def test_the_default_and_four_presets_ship() -> None:
    assert preset_names() == (
        "default",
        "hand-off",
        "relationship-first",
        "revops-sop",
        "sequence",
    )


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_right_and_named_like_its_file(name: str) -> None:
    assert check_policy(preset_text(name), name=f"{name}.yaml") == []
    assert preset(name).name == name


@pytest.mark.parametrize("name", preset_names())
def test_every_tier_of_every_preset_is_explained(name: str) -> None:
    told = explain_policy(preset(name))
    assert all(f"ier {tier.name}: " in told for tier in preset(name).tiers)


def test_an_unknown_preset_is_refused_with_those_that_exist() -> None:
    with pytest.raises(
        KeyError, match="no preset is called 'defualt'; there are default, hand-off"
    ):
        preset("defualt")
    with pytest.raises(KeyError):
        preset_text("../salesforce")


def test_the_default_holds_vips_before_the_first_automatic_try() -> None:
    vip = preset("default").tiers[0]
    assert (vip.automation, vip.hold_start) == (Automation.HELD, HoldStart.INTERCEPT)
    assert (vip.handoff, vip.window_days, vip.high_priority) == (OnDay(0), None, True)
    assert (vip.due, vip.snooze) == (Span(days=1), Span(hours=4))


def test_the_default_leaves_the_others_to_the_automatic_dunning() -> None:
    _, high, mid, low = preset("default").tiers
    assert (high.automation, high.handoff) == (Automation.UNTIL_IN_RESOLUTION, OnDay(0))
    assert (mid.automation, mid.handoff) == (Automation.PARALLEL, OnDay(10))
    assert (low.automation, low.handoff) == (Automation.PARALLEL, Never())
    assert [tier.window_days for tier in (high, mid, low)] == [30, 21, 14]


def test_the_default_is_what_the_code_takes_when_nothing_is_said() -> None:
    bare = Policy(name="bare", version=1, tiers=())
    shipped = preset("default")
    assert (shipped.hold, shipped.calendar, shipped.package) == (
        bare.hold,
        bare.calendar,
        bare.package,
    )
    assert (shipped.escalation, shipped.base_currency) == (bare.escalation, bare.base_currency)
    assert (shipped.attempts_assumed, shipped.window_assumed_days) == (8, 14)


def test_relationship_first_lets_nothing_automated_touch_a_held_account() -> None:
    vip, ordinary = preset("relationship-first").tiers
    assert (vip.automation, vip.handoff) == (Automation.HELD, OnDay(0))
    assert (ordinary.automation, ordinary.handoff) == (Automation.PARALLEL, Never())


def test_revops_sop_starts_after_a_manual_retry() -> None:
    vip, automated = preset("revops-sop").tiers
    assert (vip.automation, vip.handoff, vip.task) == (
        Automation.HELD,
        AfterManualRetry(),
        TaskKind.EMAIL,
    )
    assert isinstance(automated.handoff, Never)


def test_hand_off_lets_automation_run_until_the_crm_says_in_resolution() -> None:
    personal, enterprise, high, standard = preset("hand-off").tiers
    assert personal.automation is Automation.HELD
    assert (enterprise.automation, enterprise.handoff) == (
        Automation.UNTIL_IN_RESOLUTION,
        OnDay(0),
    )
    assert {(tier.handoff, tier.due_before_day) for tier in (high, standard)} == {(OnDay(7), 14)}
    assert preset("hand-off").window_assumed_days == 21


def test_sequence_calls_high_value_on_day_one() -> None:
    high = preset("sequence").tier("high")
    assert (high.handoff, high.task, high.due) == (OnDay(0), TaskKind.CALL, Span(days=1))
    assert [tier.name for tier in preset("sequence").tiers] == ["personal", "high", "mid", "low"]


@pytest.mark.req("R63")
@pytest.mark.parametrize("name", preset_names())
def test_every_preset_calls_a_person_before_the_last_automatic_try(name: str) -> None:
    policy = preset(name)
    days = [handoff_day(tier.handoff, tier.window_days) for tier in policy.tiers]
    assert all(day < policy.window_assumed_days for day in days if day is not None)


# ---------------------------------------------------------------- every knob


def test_a_small_file_is_enough() -> None:
    policy = load_policy(SMALL, name="p.yaml")
    assert (policy.name, policy.version) == ("small", 3)
    assert [tier.name for tier in policy.tiers] == ["vip", "rest"]


def knob(right: str, wrong: str) -> Policy:
    return load_policy(broken(RIGHT, right, wrong), name="p.yaml")


def test_every_knob_turns_something() -> None:
    assert knob("version: 1", "version: 8").version == 8
    assert (
        knob("value: 5000,", "value: 4000.50,").tiers[0].any_of[0]
        == (
            # the same line at another height
            knob("value: 5000,", "value: 4000.5,").tiers[0].any_of[0]
        )
    )
    assert knob("at: day 10", "at: 1/3 of the window").tiers[2].handoff == AfterFraction(1, 3)
    assert knob("snooze: 4 working hours", "snooze: 2 business days").tiers[0].snooze == Span(
        days=2
    )
    assert knob("task: email", "task: todo").tiers[2].task is TaskKind.TODO
    assert knob("window_days: 30", "window_days: 45").tiers[1].window_days == 45
    assert knob("at: day 10,", "at: day 7, due_before_day: 14,").tiers[2].due_before_day == 14
    assert knob("[csm, account_owner, escalation_owner, manager]", "[manager]").escalation == (
        Role.MANAGER,
    )
    assert knob("max_working_days: 10", "max_working_days: 5").hold.max_working_days == 5
    assert knob("warn_working_days: 1", "warn_working_days: 2").hold.warn_working_days == 2
    assert knob("safety_days: 30", "safety_days: 20").hold.safety_days == 20
    assert knob("on_drift: restore", "on_drift: ask").hold.on_drift.value == "ask"
    assert knob("recheck_minutes: 720", "recheck_minutes: 5").hold.recheck_minutes == 5
    assert knob("finalize_minutes: 60", "finalize_minutes: 9").hold.intercept_finalize_minutes == 9
    assert knob("hand_back_hours: 24", "hand_back_hours: 9").hold.intercept_hand_back_hours == 9
    assert knob("health_stale_days: 14", "health_stale_days: 7").package.health_stale_days == 7
    assert knob("renewal_near_days: 60", "renewal_near_days: 7").package.renewal_near_days == 7
    assert knob("characters: 3000", "characters: 900").package.max_read_characters == 900
    assert knob("days: 14}", "days: 20}").window_assumed_days == 20
    assert knob("attempts: 8", "attempts: 4").attempts_assumed == 4


def test_the_calendar_of_a_policy() -> None:
    text = broken(RIGHT, "countries: [US]", "countries: [US, DE]")
    text = broken(text, "[saturday, sunday]", "[friday]")
    text = broken(text, "day_starts_hour: 9", "day_starts_hour: 8")
    text = broken(text, "day_ends_hour: 17", "day_ends_hour: 18")
    text = broken(text, "America/New_York", "Europe/Berlin")
    assert load_policy(text, name="p.yaml").calendar == CalendarRules(
        countries=("US", "DE"),
        weekend=(4,),
        day_starts_hour=8,
        day_ends_hour=18,
        default_zone="Europe/Berlin",
    )


def test_rates_plans_notes_and_counted_signals() -> None:
    text = SMALL.replace(
        "{signal: flag}", "{signal: seats, at_least: 50}\n      - {signal: not_self_serve}"
    )
    text += (
        "self_serve_plans: [Starter]\n"
        "base_currency: eur\n"
        "rates:\n  usd: {rate: 0.92, as_of: 2026-11-01}\n"
        "package:\n  country_notes: {IN: Banks there ask for a confirmation each time.}\n"
    )
    policy = load_policy(text, name="p.yaml")
    assert policy.self_serve_plans == ("Starter",)
    assert policy.rates == {"usd": ExchangeRate(rate=Decimal("0.92"), as_of="2026-11-01")}
    assert policy.package.country_notes == {"IN": "Banks there ask for a confirmation each time."}
