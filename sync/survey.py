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
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.errors import Gone, KidgloveError
from domain.ids import AccountId, Ref
from domain.ports import AccountGlance, CustomersPage, SurveysAccounts, SurveysCustomers
from domain.rows import EVALUATE, KnownAccount, LinkState, Urgency
from mappings.merging import still_stands
from mappings.translate import read_plan
from sync.clock import Clock
from sync.configs import Config, Configs
from sync.durable import Store
from sync.linking import ACCOUNT

CURSOR = "survey"
CAUSE = "reconcile:survey"
WHOLE_EVERY = timedelta(days=30)
"""What no list shows (a refund, a contact's new address) and no event told is found after so long;
shorter would cost two calls for each account more often."""
AT_ONCE = 400
"""Accounts of one step of the second walk: what the most generous CRM shows in one call."""


@dataclass(frozen=True)
class Surveyed:
    """What one run saw, how many accounts it wants looked at, and whether that was all."""

    seen: int
    marked: int
    is_done: bool = True


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a survey stopped: in which walk, behind which customer or account, and since when."""

    began: datetime
    customers: bool = True
    after: str | None = None

    def text(self) -> str:
        """As it is stored."""
        return json.dumps(
            {"began": self.began.isoformat(), "customers": self.customers, "after": self.after}
        )

    @classmethod
    def read(cls, text: str) -> Place:
        """From its stored form."""
        said = json.loads(text)
        return cls(
            began=datetime.fromisoformat(said["began"]),
            customers=said["customers"],
            after=said["after"],
        )


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

    def run(self, *, go_on: Callable[[], bool] = lambda: True) -> Surveyed:
        """Survey from where the last run stopped, page by page while `go_on()`.

        Raises the error of the system that does not answer; the next run begins at that page.
        """
        with self._store.begin() as tx:
            stored = tx.system.cursor(CURSOR)
        place = Place.read(stored) if stored else Place(began=self._clock.now())
        seen = marked = 0
        if place.customers:
            try:
                for page in self._payments.survey_customers(place.after):
                    place, here = self._customers(page, place)
                    seen, marked = seen + len(page.customers), marked + here
                    if not place.customers:
                        break
                    if not go_on():
                        return Surveyed(seen, marked, is_done=False)
            except Gone:
                # The customer behind which to go on was deleted: nobody knows where that was.
                self._keep(None)
                return Surveyed(seen, marked, is_done=False)
        while go_on():
            some, here = self._accounts(place)
            seen, marked = seen + len(some), marked + here
            if not some:
                self._keep(None)
                return Surveyed(seen, marked)
            place = replace(place, after=str(some[-1].account))
        return Surveyed(seen, marked, is_done=False)

    # -- the payment system's list

    def _customers(self, page: CustomersPage, place: Place) -> tuple[Place, int]:
        now = self._clock.now()
        after = Place(began=place.began, customers=page.after is not None, after=page.after)
        with self._store.begin() as tx:
            known = tx.known.customers(self._payments_system, list(page.customers))
            tx.known.saw([one.account for one in known.values()], at=now)
            unsettled: list[AccountId] = []
            settled: list[AccountId] = []
            for customer, glance in page.customers.items():
                one = known.get(customer)
                if one is None:
                    if not glance.is_settled:
                        ref = Ref(self._payments_system, "customer", customer)
                        unsettled.append(tx.links.open_account(ref, now=now))
                elif one.glance != glance.digest:
                    (settled if glance.is_settled else unsettled).append(one.account)
            # Something open that nobody told of may be a failure: it does not wait with the bulk.
            tx.lanes.mark_all_dirty(unsettled, EVALUATE, cause=CAUSE)
            tx.lanes.mark_all_dirty(settled, EVALUATE, urgency=Urgency.BULK, cause=CAUSE)
            tx.system.set_cursor(CURSOR, after.text(), now=now)
        return after, len(unsettled) + len(settled)

    # -- our own accounts

    def _accounts(self, place: Place) -> tuple[Sequence[KnownAccount], int]:
        with self._store.begin() as tx:
            config = self._configs.current(tx, self._clock.now())
            after = AccountId(int(place.after)) if place.after else None
            some = tx.known.accounts(after=after, limit=AT_ONCE)
        differing = self._differing(some, config)
        now = self._clock.now()
        marked = [
            one.account
            for one in some
            if one.account in differing or _needs_a_look(one, began=place.began, now=now)
        ]
        with self._store.begin() as tx:
            tx.lanes.mark_all_dirty(marked, EVALUATE, urgency=Urgency.BULK, cause=CAUSE)
            if some:
                behind = replace(place, after=str(some[-1].account))
                tx.system.set_cursor(CURSOR, behind.text(), now=now)
        return some, len(marked)

    def _differing(self, some: Sequence[KnownAccount], config: Config) -> set[AccountId]:
        """Those whose fields in any CRM are not what they were, or that are in one by now."""
        differing: set[AccountId] = set()
        for system, crm in self._crms.items():
            keys = {one.account: self._key(one, system) for one in some}
            ids = [key.id for key in keys.values() if key is not None and key.kind == ACCOUNT]
            customers = [key.id for key in keys.values() if key is not None and key.kind != ACCOUNT]
            if not ids and not customers:
                continue
            answers = crm.survey_accounts(
                ids=ids, customers=customers, plan=read_plan(config.mappings[system])
            )
            for one in some:
                key = keys[one.account]
                if key is not None and not _stands(one, key, answers.get(key.id, ()), config):
                    differing.add(one.account)
        return differing

    def _key(self, one: KnownAccount, system: str) -> Ref | None:
        """What to ask this CRM for: the linked record, or the customer of an account that is linked
        to no record anywhere. None if the account lives in another CRM."""
        sure = {
            (link.system, link.kind): link.external_id
            for link in one.links
            if link.state is LinkState.CONFIRMED
        }
        record = sure.get((system, ACCOUNT))
        if record is not None:
            return Ref(system, ACCOUNT, record)
        if any((other, ACCOUNT) in sure for other in self._crms):
            return None
        customer = sure.get((self._payments_system, "customer"))
        return Ref(system, "customer", customer) if customer is not None else None

    def _keep(self, place: Place | None) -> None:
        with self._store.begin() as tx:
            tx.system.set_cursor(CURSOR, place.text() if place else "", now=self._clock.now())


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
        return not answer
    # What was never read from any CRM has never been in step either.
    return (
        len(answer) == 1
        and one.record is not None
        and still_stands(
            config.mappings[key.system],
            answer[0].fields,
            agreed=one.agreed.get(key.system, {}),
            last_read=one.fields if one.record == key else None,
        )
    )


def _needs_a_look(one: KnownAccount, *, began: datetime, now: datetime) -> bool:
    """Whether it is looked at whatever the glances say: it is busy, the payment system's list shows
    it no more, or its last whole read is long ago."""
    is_lost = one.created_at < began and (one.seen_at is None or one.seen_at < began)
    return one.is_busy or is_lost or one.read_at is None or one.read_at < now - WHOLE_EVERY
