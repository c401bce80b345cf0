"""Policy files: loaded, checked, and the presets that ship with the product."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from domain.policy import (
    AttributeIs,
    CalendarRules,
    Condition,
    CrmRules,
    ExchangeRate,
    HoldRules,
    PackageRules,
    Policy,
    SignalIs,
    Threshold,
    Tier,
)
from mappings.findings import FileProblems, Finding, beside, errors, in_order
from mappings.policy_check import policy_findings
from mappings.policy_schema import (
    WEEK,
    AttributeRow,
    CalendarRow,
    PolicyDocument,
    SignalRow,
    ThresholdRow,
    TierRow,
)
from mappings.policy_words import explain_policy
from mappings.reading import read_into
from mappings.standing_in import Unsure, read_around
from mappings.yaml_source import read_yaml

__all__ = ["check_policy", "explain_policy", "load_policy", "preset", "preset_names", "preset_text"]

PRESETS = Path(__file__).parent / "policies"


def load_policy(text: str, *, name: str) -> Policy:
    """The policy in `text`. FileProblems with every finding if it may not be used.

    `name` is the file's name, for the messages.
    """
    policy, findings = _read(text, name)
    if policy is None or errors(findings):
        raise FileProblems(name, findings)
    return policy


def check_policy(text: str, *, name: str) -> list[Finding]:
    """Everything that is wrong or doubtful in `text`, in the order of its lines. Never raises."""
    return _read(text, name)[1]


def preset_names() -> tuple[str, ...]:
    """The policies that ship with the product, the default first."""
    names = sorted(path.stem for path in PRESETS.glob("*.yaml"))
    return tuple(sorted(names, key=lambda one: one != "default"))


def preset_text(name: str) -> str:
    """A shipped policy as it is written. KeyError if there is none of that name."""
    if name not in preset_names():
        raise KeyError(f"no preset is called {name!r}; there are {', '.join(preset_names())}")
    return (PRESETS / f"{name}.yaml").read_text(encoding="utf-8")


@lru_cache(maxsize=16)
def preset(name: str) -> Policy:
    """A shipped policy. KeyError if there is none of that name."""
    return load_policy(preset_text(name), name=f"{name}.yaml")


def _read(text: str, file: str) -> tuple[Policy | None, list[Finding]]:
    document, findings = read_yaml(text, file=file)
    if document is None:
        return None, findings
    parsed, misfits = read_into(PolicyDocument, document)
    findings = [*findings, *beside(findings, misfits)]
    around = (parsed, Unsure(document.unread)) if parsed else read_around(PolicyDocument, document)
    if around is not None:
        findings += policy_findings(around[0], document, around[1])
    return _policy(parsed) if parsed is not None else None, in_order(findings)


def _policy(parsed: PolicyDocument) -> Policy:
    package = parsed.package
    return Policy(
        name=parsed.policy,
        version=parsed.version,
        tiers=tuple(_tier(row) for row in parsed.tiers),
        escalation=parsed.escalation,
        hold=HoldRules(**parsed.hold.model_dump()),
        calendar=_calendar(parsed.calendar),
        package=PackageRules(**package.model_dump()),
        crm=CrmRules(primary=parsed.crm.primary, elsewhere=parsed.crm.elsewhere),
        base_currency=parsed.base_currency,
        rates={
            currency: ExchangeRate(rate=row.rate, as_of=row.as_of)
            for currency, row in parsed.rates.items()
        },
        attempts_assumed=parsed.assumed_dunning.attempts,
        window_assumed_days=parsed.assumed_dunning.days,
        self_serve_plans=parsed.self_serve_plans,
    )


def _tier(row: TierRow) -> Tier:
    return Tier(
        name=row.name,
        any_of=tuple(_conditions(row)),
        automation=row.automation,
        hold_start=row.hold_start,
        handoff=row.handoff.at,
        due_before_day=row.handoff.due_before_day,
        due=row.handoff.due,
        snooze=row.snooze,
        window_days=row.window_days,
        task=row.handoff.task,
        high_priority=row.handoff.high_priority,
        is_vip=row.vip,
    )


def _conditions(row: TierRow) -> Iterator[Condition]:
    for one in row.any_of:
        match one:
            case ThresholdRow():
                yield Threshold(
                    metric=one.metric, op=one.op, value=one.value, currency=one.currency
                )
            case AttributeRow():
                yield AttributeIs(name=one.attribute, value=one.is_)
            case SignalRow():
                yield SignalIs(signal=one.signal, at_least=one.at_least)


def _calendar(row: CalendarRow) -> CalendarRules:
    return CalendarRules(
        countries=row.countries,
        weekend=tuple(WEEK.index(day) for day in row.weekend),
        day_starts_hour=row.day_starts_hour,
        day_ends_hour=row.day_ends_hour,
        default_zone=row.default_zone,
    )
