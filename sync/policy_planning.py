"""What a policy would change if it came into force: read from the live systems, nothing written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from domain.decide import choose, decide, wants_quiet
from domain.intercepting import intercepts
from domain.leaf import Known, Missing
from domain.policy import Policy
from domain.situation import Situation
from mappings.policy_file import load_policy
from sync.clock import Clock
from sync.configs import Config, with_policy
from sync.looking import Looking, Unread, unread_gap
from sync.planned import HoldChange
from sync.policy_planned import PlannedAccount, PolicyPlan, policy_fingerprint
from sync.refresh import Refreshed, Remembered


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How an account is treated under one policy. `chosen` is the tier that takes it, and `tier`
    the one by which it is handled: that of its open case does not fall."""

    chosen: str
    tier: str
    why: str
    is_vip: bool
    is_held: bool
    is_intercepted: bool


class PolicyPlanner:
    """Makes plans of policies. `calls` counts the requests of each system so far."""

    def __init__(
        self,
        *,
        looking: Looking,
        clock: Clock,
        payments_system: str,
        calls: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._looking = looking
        self._clock = clock
        self._payments_system = payments_system
        self._calls = calls

    def plan(
        self,
        text: str,
        *,
        base: str,
        limit: int | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> PolicyPlan:
        """What the policy in `text` would change for the first `limit` accounts, or for all.

        Each account is judged twice from the same facts: by the policy in force, and by this one.
        `base` is the label of the version that it would replace. FileProblems if the text may not
        be used. Writes nothing at all.
        """
        policy = load_policy(text, name="policy.yaml")
        calls = Counter(self._calls())
        accounts: list[PlannedAccount] = []
        unread: Counter[str] = Counter()
        looked_at = failed = 0
        for batch in self._looking.batches(limit):
            for one, name, judged in self._judged(batch, policy):
                looked_at += 1
                if isinstance(judged, Unread):
                    unread[judged.because] += 1
                    failed += judged.is_failure
                    continue
                then, now = judged
                if then != replace(now, why=then.why):
                    accounts.append(self._planned(one, name, then, now))
            progress(looked_at)
        mark = policy_fingerprint(text, base, accounts)
        return PolicyPlan(
            id=mark[:12],
            text=text,
            base=base,
            made_at=self._clock.now(),
            fingerprint=mark,
            looked_at=looked_at,
            accounts=tuple(accounts),
            unread=dict(unread),
            failed=failed,
            calls=dict(Counter(self._calls()) - calls),
            limit=limit,
        )

    def _judged(
        self, batch: Sequence[Remembered], policy: Policy
    ) -> Iterator[tuple[Remembered, str, Unread | tuple[Standing, Standing]]]:
        """Each account with its name, and how it stands under the policy in force and the other."""
        force = self._looking.in_force()
        other = with_policy(force, policy, self._clock.now())
        reads = self._looking.read(batch, force)
        is_same = _reads_alike(force.policy, policy)
        again = reads if is_same else self._looking.read(batch, other)
        for one in batch:
            then = self._standing(one, reads[one.account], force)
            now = self._standing(one, again[one.account], other)
            name = _name(reads[one.account])
            if isinstance(then, Unread):
                yield one, name, then
            elif isinstance(now, Unread):
                yield one, name, now
            else:
                yield one, name, (then, now)

    def _standing(self, one: Remembered, read: Refreshed, config: Config) -> Standing | Unread:
        if isinstance(read.facts.payments, Missing):
            return unread_gap(read, read.facts.payments)
        if isinstance(read.facts.crm, Missing):
            gap = unread_gap(read, read.facts.crm)
            if gap.is_failure:
                return gap
        return standing(self._looking.situation(one, read, config))

    def _planned(self, one: Remembered, name: str, then: Standing, now: Standing) -> PlannedAccount:
        customer = one.external_id(self._payments_system, "customer") or ""
        is_later = now.chosen != now.tier and then.chosen != now.chosen
        return PlannedAccount(
            account=int(one.account),
            customer=customer,
            name=name or customer,
            before=then.tier,
            after=now.tier,
            later=now.chosen if is_later else "",
            why=now.why,
            vip=_turn(then.is_vip, now.is_vip),
            hold=_turn(then.is_held, now.is_held),
            interception=_turn(then.is_intercepted, now.is_intercepted),
        )


def standing(situation: Situation) -> Standing:
    """How the account is treated under the policy of this situation.

    ValueError if the payment picture is missing.
    """
    choice, decision = choose(situation), decide(situation)
    case, tier = decision.case, choice.tier
    if case is not None and case.is_open:
        tier = situation.policy.tier(case.tier)
    return Standing(
        chosen=choice.tier.name,
        tier=tier.name,
        why=choice.reasons[0],
        is_vip=tier.is_vip,
        is_held=wants_quiet(decision),
        is_intercepted=intercepts(tier),
    )


def _reads_alike(one: Policy, other: Policy) -> bool:
    """Whether the same facts are read under both: where an account's task belongs, and in which
    currency its amounts are taken."""
    return one.crm == other.crm and one.base_currency == other.base_currency


def _name(read: Refreshed) -> str:
    payments, crm = read.facts.payments, read.facts.crm
    if isinstance(crm, Known):
        return crm.value.name
    return (payments.value.name or "") if isinstance(payments, Known) else ""


def _turn(was: bool, would: bool) -> HoldChange | None:
    if was == would:
        return None
    return HoldChange.STARTS if would else HoldChange.ENDS
