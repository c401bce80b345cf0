"""Every mistake in a policy file is named with its line and its remedy, and all in one run."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings.findings import FileProblems, Severity
from mappings.policy_file import check_policy, load_policy
from tests.mappings.broken import broken, damaged, right_file

RIGHT = right_file("policy.yaml")


def lines(text: str) -> list[str]:
    return [str(one) for one in check_policy(text, name="p.yaml")]


def test_the_file_of_these_tests_is_right() -> None:
    assert lines(RIGHT) == []


def late(day: int) -> str:
    return f"tier 'mid' calls a person on day {day}, not before the last automatic try on day 14"


TOP = """name: top
    vip: true
    automation: parallel
    any_of: [{signal: flag}]
    handoff: {at: day 0}"""
MISTAKES = [
    (
        "automation: held",
        "automation: hedl",
        "p.yaml:16:17: automation cannot be 'hedl'; did you mean held?",
    ),
    (
        "metric: mrr_t3m",
        "metric: mrr_t3",
        "p.yaml:13:18: metric cannot be 'mrr_t3'; did you mean mrr_t3m?",
    ),
    ('op: ">"', 'op: "=>"', "p.yaml:13:31: op cannot be '=>'; did you mean >=?"),
    ("value: 5000", "value: '5000'", "p.yaml:13:43: '5000' is not a number"),
    (
        "currency: usd}\n      - {signal: flag}",
        "currency: USD}\n      - {signal: flag}",
        "p.yaml:13:59: the currency 'USD' is not one we can compare; did you mean usd?",
    ),
    (
        "{signal: flag}",
        "{foo: 1}",
        "p.yaml:14:9: a condition names a metric, an attribute or a signal",
    ),
    ("{signal: flag}", "flag", "p.yaml:14:9: a condition names a metric, an attribute or a signal"),
    ("{signal: flag}", "{signal: seats}", "p.yaml:14:9: the signal 'seats' needs a number"),
    (
        "{signal: flag}",
        "{signal: flag, at_least: 2}",
        "p.yaml:14:24: the signal 'flag' is not counted",
    ),
    (
        "{signal: flag}",
        "{signal: not_self_serve}",
        "p.yaml:14:9: which plans are self-serve is not said, so this signal never shows",
    ),
    (
        "at: day 0",
        "at: nver",
        "p.yaml:19:19: 'nver' does not say when a person starts; did you mean never?",
    ),
    (
        "at: day 10",
        "at: 3/2 of the window",
        "p.yaml:36:19: '3/2 of the window' is not a part of the window",
    ),
    (
        "snooze: 4 working hours",
        "snooze: 4 hours",
        "p.yaml:20:13: '4 hours' is not a stretch of working time",
    ),
    ("window_days: 30", "window_days: 0", "p.yaml:29:18: a window cannot be 0"),
    ("window_days: 30", "window_days: forever", "p.yaml:29:18: a window cannot be 'forever'"),
    ("max_working_days: 10", "max_working_days: 0", "p.yaml:50:21: max_working_days cannot be 0"),
    (
        "warn_working_days: 1",
        "warn_working_days: 10",
        "p.yaml:51:22: the warning would come before the hold has begun",
    ),
    ("vip: true", "vip: yes", "p.yaml:10:10: vip cannot be 'yes'"),
    (
        "[csm, account_owner",
        "[csm, acount_owner",
        "p.yaml:46:19: entry 2 of escalation cannot be 'acount_owner'; did you mean account_owner?",
    ),
    (
        "[csm, account_owner",
        "[csm, csm",
        "p.yaml:46:19: 'csm' stands in the escalation twice",
    ),
    (
        "countries: [US]",
        "countries: [USA]",
        "p.yaml:59:15: no holidays are known for country 'USA'; did you mean US?",
    ),
    ("countries: [US]", "countries: US", "p.yaml:59:14: countries is text where a list belongs"),
    (
        "America/New_York",
        "America/New_Yrok",
        "p.yaml:63:17: no time zone is called 'America/New_Yrok'; did you mean America/New_York?",
    ),
    (
        "day_ends_hour: 17",
        "day_ends_hour: 9",
        "p.yaml:62:18: the working day ends at 9, before it starts at 9",
    ),
    (
        "base_currency: usd",
        "base_currency: usdd",
        "p.yaml:73:16: the currency 'usdd' is not one we can compare; did you mean usd?",
    ),
    ("version: 1", "version: one", "p.yaml:4:10: version is text where a whole number belongs"),
    ("version: 1", "version: true", "p.yaml:4:10: version is true or false where a whole number "),
    ("policy: default", "policy: My Policy", "p.yaml:3:9: 'My Policy' is not a policy's name"),
    (
        "handoff: {at: never}",
        "handoff:",
        "p.yaml:42:5: handoff is empty where names with values belong",
    ),
    ("attempts: 8", "attempts: 1", "p.yaml:71:29: attempts cannot be 1"),
    (
        "name: mid",
        "name: high",
        "p.yaml:31:11: a second tier is called 'high'; the first is in line",
    ),
    (
        '    any_of:\n      - {metric: mrr_t3m, op: ">=", value: 500, currency: usd}\n',
        "",
        "p.yaml:23:11: tier 'high' takes everyone, so no tier after it is ever reached",
    ),
    (
        "  - name: low\n",
        "  - name: low\n    any_of: [{signal: named_csm}]\n",
        "p.yaml:41:5: no tier takes everyone else",
    ),
    (
        "at: day 0, task",
        "at: never, task",
        "p.yaml:19:19: tier 'vip' is held and nobody is ever called: its invoices would age in sil",
    ),
    (
        "at: day 10",
        "at: after_manual_retry",
        "p.yaml:36:19: tier 'mid' is not held, so there is never a manual retry to wait for",
    ),
    (
        "at: day 0, task",
        "at: 1/3 of the window, task",
        "p.yaml:19:19: tier 'vip' has no window of which to take a part",
    ),
    (
        "at: day 10,",
        "at: day 10, due_before_day: 10,",
        "p.yaml:36:43: tier 'mid' wants the task done before day 10, but it begins on day 10",
    ),
    (
        "window_days: 21",
        "window_days: 10",
        "p.yaml:36:19: tier 'mid' calls a person on day 10, after its own window of 10 days",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "finding"), MISTAKES)
def test_a_mistake_is_named_with_its_line_and_a_remedy(
    right: str, wrong: str, finding: str
) -> None:
    (found,) = check_policy(broken(RIGHT, right, wrong), name="p.yaml")
    assert str(found).startswith(finding)
    assert found.severity is Severity.ERROR
    assert found.fix


@pytest.mark.parametrize(
    ("right", "wrong", "suggestion"),
    [
        ("automation: held", "automation: hedl", "held"),
        ("    automation: held", "    automatoin: held", "automation"),
        ("hold:", "hodl:", "hold"),
        ("  on_drift:", "  on_drfit:", "on_drift"),
    ],
)
def test_a_misspelt_word_comes_with_the_one_that_was_meant(
    right: str, wrong: str, suggestion: str
) -> None:
    found = check_policy(broken(RIGHT, right, wrong), name="p.yaml")
    assert suggestion in {one.suggestion for one in found}


@pytest.mark.req("R63")
@pytest.mark.parametrize(("at", "day"), [("day 14", 14), ("day 20", 20), ("2/3 of the window", 14)])
def test_a_person_who_would_come_too_late_is_refused(at: str, day: int) -> None:
    assert lines(broken(RIGHT, "at: day 10", f"at: {at}")) == [
        f"p.yaml:36:19: {late(day)}",
    ]


@pytest.mark.req("R63")
def test_a_shorter_automatic_sequence_makes_a_late_handoff_wrong_and_a_longer_one_right() -> None:
    assert lines(broken(RIGHT, "days: 14}", "days: 10}")) != []
    later = broken(RIGHT, "at: day 10", "at: day 18")
    assert lines(broken(later, "days: 14}", "days: 21}")) == []


@pytest.mark.parametrize(
    ("right", "wrong", "warning"),
    [
        (
            "name: vip\n    vip: true",
            f"{TOP}\n  - name: vip",
            "tier 'top' is for VIPs, and automatic mails go on beside the person",
        ),
        (
            "automation: parallel",
            "automation: parallel\n    hold_start: intercept",
            "tier 'mid' is not held, so `hold_start` has no effect",
        ),
        (
            "at: day 0, task",
            "at: day 3, task",
            "tier 'vip' is held from the start, and nothing happens before day 3",
        ),
        ("    vip: true\n", "", "no tier is for VIPs, so the CRM's word `always personal` has no"),
        (
            "currency: usd",
            "currency: eur",
            "there is no rate for 'eur', so amounts in other currencies count as beyond this line",
        ),
    ],
)
def test_what_is_doubtful_is_a_warning_and_the_file_still_loads(
    right: str, wrong: str, warning: str
) -> None:
    text = broken(RIGHT, right, wrong)
    (found,) = check_policy(text, name="p.yaml")
    assert found.severity is Severity.WARNING
    assert found.message.startswith(warning)
    assert load_policy(text, name="p.yaml").name == "default"


def test_all_mistakes_come_in_one_run_and_in_the_order_of_the_lines() -> None:
    text = broken(RIGHT, "automation: held", "automation: hedl")
    text = broken(text, "at: day 10", "at: day 20")
    text = broken(text, "countries: [US]", "countries: [XX]")
    text = broken(text, "max_working_days: 10", "max_working_days: 0")
    text = broken(text, "safety_days: 30", "safety_days: 30\n  safety_days: 31")
    assert lines(text) == [
        "p.yaml:16:17: automation cannot be 'hedl'; did you mean held?",
        f"p.yaml:36:19: {late(20)}",
        "p.yaml:50:21: max_working_days cannot be 0",
        "p.yaml:53:3: 'safety_days' stands here a second time; the first is in line 52",
        "p.yaml:60:15: no holidays are known for country 'XX'",
    ]


def test_a_missing_part_is_named_where_it_belongs() -> None:
    assert lines("policy: p\nversion: 1\n") == ["p.yaml:1:1: 'tiers' is missing"]
    assert lines(broken(RIGHT, "    handoff: {at: never}\n", "")) == [
        "p.yaml:40:5: 'handoff' is missing"
    ]


def test_loading_a_broken_file_raises_with_every_finding() -> None:
    text = broken(broken(RIGHT, "automation: held", "automation: hedl"), "version: 1", "version: 0")
    with pytest.raises(FileProblems) as raised:
        load_policy(text, name="p.yaml")
    assert [one.line for one in raised.value.findings] == [4, 16]
    assert raised.value.message == (
        "p.yaml has 2 mistakes:\n"
        "  p.yaml:4:10: version cannot be 0\n"
        "  p.yaml:16:17: automation cannot be 'hedl'; did you mean held?"
    )


@pytest.mark.parametrize(
    "text", ["", "a", "- a", "1", "[]", "tiers: []", "tiers: [1]", "tiers: {}"]
)
def test_something_else_altogether_is_refused(text: str) -> None:
    with pytest.raises(FileProblems):
        load_policy(text, name="p.yaml")


@given(st.text(max_size=400))
def test_no_text_is_too_odd(text: str) -> None:
    assert check_policy(text, name="p.yaml") != []


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(damaged(RIGHT))
def test_no_damage_to_a_real_file_is_too_odd(text: str) -> None:
    found = check_policy(text, name="p.yaml")
    assert all(one.line >= 1 and one.column >= 1 and one.message for one in found)
