"""The plan of a policy as a value: whose tier, hold and interception would be another one.

Its fingerprint is made of all of that. Whoever applies a plan applies what was looked at, or
nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mappings.canonical import canonical
from sync.planned import HoldChange, HoldCounts


@dataclass(frozen=True, kw_only=True)
class PlannedAccount:
    """One account that would be treated in another way.

    `before` and `after` are the tiers by which it is handled. `later` is the tier that waits until
    its open case has ended, because a tier never falls during a case; empty if none does.
    """

    account: int
    customer: str
    name: str
    before: str
    after: str
    later: str = ""
    why: str = ""
    vip: HoldChange | None = None
    hold: HoldChange | None = None
    interception: HoldChange | None = None


@dataclass(frozen=True, kw_only=True)
class TierChange:
    """How many accounts would go from one tier to another."""

    before: str
    after: str
    accounts: int


@dataclass(frozen=True, kw_only=True)
class PolicyPlan:
    """Everything that one policy would change, as of one look at the live accounts.

    `unread` says why accounts could not be judged, `failed` of how many of them nobody knows what
    it would change; `calls` what the look cost, by system.
    """

    id: str
    text: str
    base: str
    made_at: datetime
    fingerprint: str
    looked_at: int
    accounts: tuple[PlannedAccount, ...]
    unread: Mapping[str, int] = field(default_factory=dict)
    failed: int = 0
    calls: Mapping[str, int] = field(default_factory=dict)
    limit: int | None = None

    @property
    def tiers(self) -> tuple[TierChange, ...]:
        """Who changes tier at the next look."""
        return _moves((one.before, one.after) for one in self.accounts)

    @property
    def later(self) -> tuple[TierChange, ...]:
        """Who changes tier once the open case has ended."""
        return _moves((one.after, one.later) for one in self.accounts if one.later)

    @property
    def vips(self) -> Mapping[str, int]:
        """How many accounts become VIPs at the next look, and how many stop being one."""
        return _turns(one.vip for one in self.accounts)

    @property
    def holds(self) -> Mapping[str, int]:
        """In how many open cases a hold would start, and in how many one would end."""
        return _turns(one.hold for one in self.accounts)

    @property
    def interceptions(self) -> Mapping[str, int]:
        """Of how many accounts renewals would be taken over, and of how many no longer."""
        return _turns(one.interception for one in self.accounts)

    @property
    def told(self) -> tuple[str, ...]:
        """What it comes to, in sentences without their stop."""
        counts = HoldCounts(**self.holds, failed=self.failed)
        found = [_moved(self.tiers, ""), _moved(self.later, " once their case has ended")]
        if any(self.vips.values()):
            found.append(
                f"{self.vips['starts']} become VIPs and {self.vips['ends']} stop being one"
            )
        found.append(counts.told)
        if any(self.interceptions.values()):
            found.append(
                f"Renewals of {self.interceptions['starts']} accounts would be taken over, and of "
                f"{self.interceptions['ends']} no longer"
            )
        if not any(found):
            found = ["No account would change tier, and no hold would start or end"]
        return tuple(one for one in (*found, counts.failed_told) if one)


def loaded_policy_plan(body: Mapping[str, Any]) -> PolicyPlan:
    """A plan from its stored form (`dataclasses.asdict` as JSON)."""
    return PolicyPlan(
        **{
            **body,
            "made_at": datetime.fromisoformat(body["made_at"]),
            "accounts": tuple(_account(one) for one in body["accounts"]),
        }
    )


def policy_drift(then: PolicyPlan, now: PolicyPlan) -> list[str]:
    """What changed between two looks, a line each; empty if the plan still holds."""
    if then.fingerprint == now.fingerprint:
        return []
    if then.base != now.base:
        return [f"{now.base} is in force now; the plan was made over {then.base}"]
    old = {one.account: one for one in then.accounts}
    new = {one.account: one for one in now.accounts}
    both = [(old.get(account), new.get(account)) for account in sorted({*old, *new})]
    found = [a or b for a, b in both if a is None or b is None or _row(a) != _row(b)]
    return [f"{one.name} ({one.customer})" for one in found if one] or ["the policy's text"]


def policy_fingerprint(text: str, base: str, accounts: Sequence[PlannedAccount]) -> str:
    """A hash of everything that the plan rests on. Time is not in it, and neither are the reasons:
    amounts in them move every day."""
    rows = [_row(one) for one in sorted(accounts, key=lambda one: one.account)]
    whole = json.dumps([canonical(text), base, rows], sort_keys=True, default=str)
    return hashlib.sha256(whole.encode()).hexdigest()


def _row(one: PlannedAccount) -> list[Any]:
    turns = [one.vip, one.hold, one.interception]
    return [one.account, one.before, one.after, one.later, *turns]


def _account(body: Mapping[str, Any]) -> PlannedAccount:
    turns = ("vip", "hold", "interception")
    told = {name: HoldChange(body[name]) if body[name] else None for name in turns}
    return PlannedAccount(**{**body, **told})


def _moves(pairs: Iterable[tuple[str, str]]) -> tuple[TierChange, ...]:
    found = Counter((before, after) for before, after in pairs if before != after)
    return tuple(
        TierChange(before=before, after=after, accounts=count)
        for (before, after), count in sorted(found.items())
    )


def _turns(changes: Iterable[HoldChange | None]) -> Mapping[str, int]:
    found = Counter(changes)
    return {change.value: found[change] for change in HoldChange}


def _moved(moves: Sequence[TierChange], when: str) -> str:
    if not moves:
        return ""
    each = ", ".join(f"{one.accounts} from {one.before} to {one.after}" for one in moves)
    return f"{sum(one.accounts for one in moves)} accounts would change tier{when}: {each}"
