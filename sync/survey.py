"""Looking at everybody without reading everybody: lists tell which accounts are worth a whole look.

Two walks, each a page at a time. The first goes through the payment system's own list and compares
every customer with the glance of its last whole read. The second goes through our accounts and
compares each CRM's mapped fields with what both sides agreed on. Whoever differs, is busy, or was
not read whole for a while is marked; everybody else costs a hundredth of a call.

Nothing is decided here. A mark is a hint like any other: what follows is judged from fresh facts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from operator import itemgetter

from domain.errors import Gone, KidgloveError
from domain.ids import AccountId, Ref
from domain.policy import Elsewhere
from domain.ports import AccountGlance, CustomersPage, SurveysAccounts, SurveysCustomers
from domain.rows import EVALUATE, KnownAccount, LinkState, Mark, Urgency
from mappings.merging import still_stands
from mappings.translate import read_plan
from sync.backfill import CURSOR as FILL
from sync.backfill import DONE as FILLED
from sync.clock import Clock
from sync.configs import Config, Configs
from sync.durable import Store
from sync.linking import ACCOUNT, is_set_aside
from sync.reconcile import Found

CURSOR = "survey"
"""Where a survey stopped; empty while none is under way."""
ENDED = "survey:ended"
"""When the last one came to its end."""
CAUSE = "reconcile:survey"
DONE = "survey.done"
"""The entry of the audit that a survey leaves: how many accounts it saw, and how many it marked."""
WHOLE_EVERY = timedelta(days=30)
"""What no list shows (a refund, a contact's new address) and no event told is found after so long;
shorter would cost two calls for each account more often."""
AT_ONCE = 400
"""Accounts of one step of the second walk: what the most generous CRM shows in one call."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a survey stopped: in which walk, behind which customer or account, and what it had seen
    by then. `marked` are accounts to be looked at; one may be counted in both walks."""

    began: datetime
    customers: bool = True
    after: str | None = None
    seen: int = 0
    marked: int = 0

    def text(self) -> str:
        """As it is stored."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def read(cls, text: str) -> Place:
        """From its stored form."""
        said = json.loads(text)
        return cls(**{**said, "began": datetime.fromisoformat(said["began"])})

    def behind(self, after: str | None, *, marked: int, seen: int = 0) -> Place:
        """The place behind one more page of this walk."""
        return replace(self, after=after, seen=self.seen + seen, marked=self.marked + marked)


class Survey:
    """Surveys everybody. It may be run twice, at once, late, or be killed half-way: each page's
    marks and the place behind it are one transaction."""

    def __init__(
        self,
        *,
        store: Store,
        configs: Configs,
        clock: Clock,
        payments_system: str,
        payments: SurveysCustomers,
        crms: Mapping[str, SurveysAccounts],
    ) -> None:
        self._store = store
        self._configs = configs
        self._clock = clock
        self._payments_system = payments_system
        self._payments = payments
        self._crms = crms

    def is_due(self, every: timedelta) -> bool:
        """Whether one was left half-way, or the last one ended so long ago."""
        with self._store.begin() as tx:
            ended = tx.system.cursor(ENDED)
            if tx.system.cursor(CURSOR) or not ended:
                return True
        return self._clock.now() - datetime.fromisoformat(ended) >= every

    def late_since(self, most: timedelta) -> datetime | None:
        """When the survey that is under way began, if that is longer ago than this."""
        with self._store.begin() as tx:
            stored = tx.system.cursor(CURSOR)
        began = Place.read(stored).began if stored else None
        return began if began is not None and self._clock.now() - began > most else None

    def run(self, *, go_on: Callable[[], bool] = lambda: True) -> Found:
        """Survey from where the last run stopped, page by page while `go_on()`.

        Raises the error of a payment system that does not answer; the next run begins at that page.
        A CRM that does not answer is left out, and told: whoever is behind it waits for nobody.
        """
        now = self._clock.now()
        with self._store.begin() as tx:
            stored = tx.system.cursor(CURSOR)
            start = place = Place.read(stored) if stored else Place(began=now)
            # Also before the first page: one that never comes so far must be seen to have begun.
            tx.system.set_cursor(CURSOR, place.text(), now=now)
        if place.customers:
            try:
                for page in self._payments.survey_customers(place.after):
                    place = self._customers(page, place)
                    if not place.customers or not go_on():
                        break
            except Gone:
                # The customer behind which to go on was deleted: nobody knows where that was.
                with self._store.begin() as tx:
                    tx.system.set_cursor(CURSOR, "", now=self._clock.now())
                return Found(0, 0, is_done=False)
        silent: dict[str, KidgloveError] = {}
        is_done = False
        while not place.customers and not is_done and go_on():
            place, is_done = self._accounts(place, silent)
        if is_done:
            self._finish(place)
        return Found(
            place.seen - start.seen,
            place.marked - start.marked,
            is_done=is_done,
            problems=tuple(silent.values()),
        )

    # -- the payment system's list

    def _customers(self, page: CustomersPage, place: Place) -> Place:
        now = self._clock.now()
        seen: list[AccountId] = []
        differing: dict[AccountId, Mark] = {}
        with self._store.begin() as tx:
            known = tx.known.customers(self._payments_system, list(page.customers))
            # Who was never brought in stays out until a first fill, or an event, brings it in.
            is_filled = tx.system.cursor(FILL) == FILLED
            # In the order in which everybody opens accounts.
            for customer, glance in sorted(page.customers.items(), key=itemgetter(0)):
                # Something open that nobody told of may be a failure: it does not wait.
                mark = Mark(Urgency.BULK if glance.is_settled else Urgency.NORMAL, CAUSE)
                one = known.get(customer)
                if one is None:
                    if is_filled and not glance.is_settled:
                        ref = Ref(self._payments_system, "customer", customer)
                        differing[tx.links.open_account(ref, now=now)] = mark
                elif one.account is not None:
                    seen.append(one.account)
                    if one.glance != glance.digest:
                        differing[one.account] = mark
            tx.lanes.mark_all_dirty(differing, EVALUATE)
            # After the lanes, as a judgement takes them.
            tx.known.saw(seen, at=now)
            behind = place.behind(page.after, marked=len(differing))
            behind = replace(behind, customers=page.after is not None)
            tx.system.set_cursor(CURSOR, behind.text(), now=now)
        return behind

    # -- our own accounts

    def _accounts(self, place: Place, silent: dict[str, KidgloveError]) -> tuple[Place, bool]:
        """One step of the second walk, and whether it was behind the last account."""
        with self._store.begin() as tx:
            config = self._configs.current(tx, self._clock.now())
            after = AccountId(int(place.after)) if place.after else None
            some = tx.known.accounts(after=after, limit=AT_ONCE)
        if not some:
            return place, True
        differing = self._differing(some, config, silent)
        now = self._clock.now()
        lost = [one.account for one in some if one.seen_at and one.seen_at < place.began]
        marked = [
            one.account
            for one in some
            if one.account in differing
            or one.account in lost
            or _needs_a_look(one, config, began=place.began, now=now)
        ]
        behind = place.behind(str(some[-1].account), seen=len(some), marked=len(marked))
        with self._store.begin() as tx:
            tx.lanes.mark_all_dirty(dict.fromkeys(marked, Mark(Urgency.BULK, CAUSE)), EVALUATE)
            tx.known.missed(lost)
            tx.system.set_cursor(CURSOR, behind.text(), now=now)
        return behind, False

    def _finish(self, place: Place) -> None:
        now = self._clock.now()
        with self._store.begin() as tx:
            tx.system.set_cursor(CURSOR, "", now=now)
            tx.system.set_cursor(ENDED, now.isoformat(), now=now)
            tx.audit.note(
                DONE,
                f"{place.seen} accounts surveyed, {place.marked} to be looked at",
                now=now,
                details={"seen": place.seen, "marked": place.marked},
            )

    def _differing(
        self, some: Sequence[KnownAccount], config: Config, silent: dict[str, KidgloveError]
    ) -> set[AccountId]:
        """Those whose fields in any CRM are not what they were, or that are in one by now."""
        differing: set[AccountId] = set()
        for system, crm in self._crms.items():
            if system in silent:
                continue
            keys = {
                one.account: key
                for one in some
                if (key := self._key(one, system, config)) is not None
            }
            ids = [key.id for key in keys.values() if key.kind == ACCOUNT]
            customers = [key.id for key in keys.values() if key.kind != ACCOUNT]
            if not ids and not customers:
                continue
            try:
                answers = crm.survey_accounts(
                    ids=ids, customers=customers, plan=read_plan(config.mappings[system])
                )
            except KidgloveError as problem:
                silent[system] = problem
                continue
            for one in some:
                key = keys.get(one.account)
                if key is not None and not _stands(one, key, answers.get(key.id, ()), config):
                    differing.add(one.account)
        return differing

    def _key(self, one: KnownAccount, system: str, config: Config) -> Ref | None:
        """What to ask this CRM for: the linked record, or the customer of an account that is linked
        to no record anywhere, or has one set aside there. None if the account lives in another
        CRM, where the policy writes alone."""
        if one.home not in (None, system) and config.policy.crm.elsewhere is Elsewhere.NOTHING:
            return None
        sure = {
            (link.system, link.kind): link.external_id
            for link in one.links
            if link.state is LinkState.CONFIRMED
        }
        record = sure.get((system, ACCOUNT))
        if record is not None:
            return Ref(system, ACCOUNT, record)
        is_elsewhere = any((other, ACCOUNT) in sure for other in self._crms)
        if is_elsewhere and not is_set_aside(one.links, system):
            return None
        customer = sure.get((self._payments_system, "customer"))
        return Ref(system, "customer", customer) if customer is not None else None


def _stands(
    one: KnownAccount,
    key: Ref,
    answer: Sequence[AccountGlance] | KidgloveError,
    config: Config,
) -> bool:
    """Whether the glance shows nothing new."""
    if isinstance(answer, KidgloveError):
        return False
    if key.kind != ACCOUNT:
        # A record that a person has refused is no news, however often it is seen.
        refused = {
            link.external_id
            for link in one.links
            if link.system == key.system and link.state is not LinkState.CONFIRMED
        }
        return all(glance.ref.id in refused for glance in answer)
    record = one.records.get(key.system)
    return (
        len(answer) == 1
        and record is not None
        and record.ref == key
        and still_stands(
            config.mappings[key.system],
            answer[0].fields,
            agreed=one.agreed.get(key.system, {}),
            last_read=record.fields,
            read_at=record.read_at,
        )
    )


def _needs_a_look(one: KnownAccount, config: Config, *, began: datetime, now: datetime) -> bool:
    """Whether it is looked at whatever the glances say: it is busy, it was judged by another policy
    or mapping, or its last whole read is long ago. Who is in no list any more was looked at once
    for that, and has nothing left to read."""
    if one.is_busy:
        return True
    is_listed = one.seen_at is not None and one.seen_at >= began
    is_old = one.read_at is None or one.read_at < now - WHOLE_EVERY
    return is_listed and (is_old or one.judged_by != config.label)
