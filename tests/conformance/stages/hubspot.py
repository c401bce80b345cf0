"""How each thing is done with a simulated HubSpot portal."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from connectors.hubspot import webhook
from connectors.hubspot.connector import HubspotConnector
from connectors.hubspot.quota import SEARCH, WINDOW
from connectors.hubspot.sweep import PAGE
from connectors.kit.http import Timeouts
from connectors.kit.limits import Limiter
from domain.errors import KidgloveError
from domain.ids import Ref
from domain.ports import FieldsChange, Incoming, TaskChange
from simulators.faults import Fault
from simulators.hubspot.troubles import whole
from tests.conformance.stage import (
    HARMS,
    PATIENT,
    WAIT,
    Calls,
    CrmStage,
    Message,
    SeenTask,
    Trouble,
)
from tests.conformance.stages.catching import catch
from tests.conformance.watching import Virtual
from tests.connectors import hubspot_stage as portal

LAG = timedelta(seconds=30)
"""How late the search index is. HubSpot says moments; no read and no write may depend on it."""
SEARCHES = 5
"""What a portal has in a second (usage guide)."""
WATCHED = "billing_resolution_status"
ADDRESS = "https://hooks.example.com/hubspot"
"""What the signature covers: the address as it stands in HubSpot, not where the test listens."""
ZONE = ZoneInfo("America/Los_Angeles")
"""Where the CSM works, and in which a due time is a day."""


class HubspotStage(CrmStage):
    """A portal with Kidglove's properties set up, and a search index that is always late."""

    vendor = "hubspot"
    soon = LAG + timedelta(seconds=1)
    paths: ClassVar[Mapping[Calls, tuple[str, str]]] = {
        Calls.ANY: (".*", ".*"),
        Calls.READS: (".*", ".*(batch/read|/search|/owners/?|/users/?)"),
        Calls.WRITES: ("POST|PATCH|PUT|DELETE", "(?!.*(batch/read|/search)).*"),
    }
    plan = portal.PLAN
    customer = portal.CUSTOMER
    account_object = "companies"
    hold_word = "in_resolution"
    hold_field = WATCHED
    text_field = "kidglove_last_failure"
    amount_field = "kidglove_amount_due"
    amount_step = Decimal("0.001")
    subject_length = 255

    def begin(self) -> Any:
        """A new portal whose limits nobody meets."""
        self._portal = portal.Stage()
        self.sim = self._portal.sim
        self.sim.url = self.url
        self.sim.set_limits(burst=100_000, search=100_000)
        self.sim.set_search_lag(LAG.total_seconds())
        self.clock, self.faults = self._portal.clock, self.sim.faults
        self.ref, self.csm, self.spare = (
            self._portal.ref,
            self._portal.csm,
            self._portal.spare,
        )
        # Clocks change on Sundays: a day off would be moved to the next day of work.
        every_day = {"days": "EVERY_DAY", "startMinute": 540, "endMinute": 1020}
        self.sim.set_working_hours(self.csm, [every_day])
        self.secrets = [self.sim.service_key, self.sim.access.client_secret]
        return self.sim.app

    def connector(
        self, *, timeouts: Timeouts = PATIENT, limiter: Limiter | None = None
    ) -> HubspotConnector:
        """A connector with the service key, its searches limited apart as the wiring does."""
        searches = limiter.beside(SEARCH) if isinstance(limiter, Virtual) else None
        return self._portal.connector(timeouts=timeouts, limiter=limiter, search_limiter=searches)

    def read(self, connector: HubspotConnector) -> object:
        """By id."""
        said = connector.read_accounts(ids=[self.ref.id], plan=self.plan)[self.ref.id]
        if isinstance(said, KidgloveError):
            raise said
        return said

    def hurry(self, connector: HubspotConnector) -> None:
        """More searches than the portal has in a second, after a pause that lets all through."""
        self.clock.advance(timedelta(minutes=1))
        for _ in range(2 * SEARCHES):
            connector.accounts_on_hold(plan=self.plan, words=[self.hold_word])

    def write(self, connector: HubspotConnector, key: str) -> object:
        """A task."""
        change = TaskChange(key=key, account=self.ref, subject="Call", owner_id=self.csm)
        [said] = connector.write([change])
        if isinstance(said, KidgloveError):
            raise said
        return said

    def effects(self, key: str) -> int:
        """How many tasks have the key."""
        return len(self.tasks(key))

    def own_edit(self, connector: HubspotConnector, key: str) -> None:
        """A payment property."""
        connector.write([FieldsChange(account=self.ref, values={self.text_field: "declined"})])

    @contextmanager
    def without_permission(self) -> Iterator[tuple[Any, str]]:
        """A scope is taken away from the app."""
        self.sim.revoke_scope("crm.objects.companies.read")
        yield self.connector(), "crm.objects.companies.read"

    def fault(self, trouble: Trouble) -> Fault:
        """The portal's own shapes."""
        match trouble:
            case Trouble.LIMITED:
                return whole("ten_secondly")
            case Trouble.LIMITED_WITH_WAIT:
                return whole("ten_secondly", retry_after=int(WAIT.total_seconds()))
            case Trouble.CONFLICT:
                return whole("conflict")
            case Trouble.UNWELL:
                return whole("unavailable")
            case _:
                return HARMS[trouble]

    def enforce_limits(self) -> None:
        """The window that the manifest's limits are made for, and five searches a second."""
        self.sim.set_limits(burst=WINDOW, search=SEARCHES, only_virtual=True)

    def requests(self) -> int:
        """Every call."""
        return len(self.sim.requests)

    def writes(self) -> int:
        """Calls that changed a record."""
        return len(self.sim.writes())

    def world(self) -> Mapping[str, Any]:
        """The portal's records."""
        return self.sim.state(volatile=False)

    def edit(self) -> Ref:
        """The CSM holds the company, or lets it go."""
        held = self.field(self.ref, WATCHED) == self.hold_word
        self.hold(self.ref, "released" if held else self.hold_word)
        return self.ref

    def crowd(self) -> set[Ref]:
        """More companies than a page of the listing has rows."""
        most = PAGE + 20
        return {self.add_account(f"Twin {n}", customer=f"cus_twin{n}") for n in range(most)}

    def touch(self, refs: Sequence[Ref]) -> None:
        """Held."""
        for ref in refs:
            self.hold(ref, self.hold_word)

    @property
    def signing_secret(self) -> str:
        """The app's client secret."""
        return str(self.sim.access.client_secret)

    def messages(self, *, copies: int = 1) -> list[Message]:
        """Two messages with one event each."""

        def post(url: str) -> None:
            subscription = f"company.propertyChange:{WATCHED}"
            self.sim.watch(url, [subscription], signed_url=ADDRESS)
            self.sim.postman.dial.copies = copies
            for _ in range(2):
                self.edit()
                self.sim.postman.flush()
                self.clock.advance(timedelta(seconds=5))

        return [
            Message(
                body=one.body,
                proof={
                    "signature": one.headers["x-hubspot-signature-v3"],
                    "timestamp": one.headers["x-hubspot-request-timestamp"],
                },
            )
            for one in catch(post)
        ]

    def proven(self, body: bytes) -> Message:
        """Signed as documented, with the app's secret."""
        stamp = str(int(self.clock.seconds() * 1000))
        signed = f"POST{ADDRESS}".encode() + body + stamp.encode()
        made = hmac.new(self.signing_secret.encode(), signed, hashlib.sha256).digest()
        return Message(
            body=body,
            proof={"signature": base64.b64encode(made).decode(), "timestamp": stamp},
        )

    def verify(
        self, message: Message, *, secrets: Sequence[str] | None = None, now: datetime | None = None
    ) -> Sequence[Incoming]:
        """The webhook's door."""
        return webhook.verify(
            message.body,
            signature=message.proof.get("signature"),
            timestamp=message.proof.get("timestamp"),
            secrets=[self.signing_secret] if secrets is None else secrets,
            url=ADDRESS,
            now=now or self.clock.now(),
        )

    # ------------------------------------------------------------ CRM

    def add_account(self, name: str, *, customer: str | None = None) -> Ref:
        """Owned by the portal's owner."""
        more = {"stripe_customer_id": customer} if customer else {}
        made = self.sim.add_company(name, owner=self._portal.owner, **more)
        return Ref("hubspot", "account", made)

    def unknown_id(self) -> str:
        """Nobody's number."""
        return "99999999999"

    def id_of_another_kind(self) -> str:
        """A contact."""
        return self.sim.add_contact(self.ref.id, "Pat", "Payer", email="pat@example.com")

    def merge(self, winner: Ref, loser: Ref) -> None:
        """By the admin; the survivor may get a new id."""
        self.ref = Ref("hubspot", "account", self.sim.merge_companies(winner.id, loser.id))

    def delete(self, ref: Ref) -> None:
        """By the CSM."""
        self.sim.human(self.csm).delete("companies", ref.id)

    def hold(self, ref: Ref, word: str | None) -> None:
        """By the CSM."""
        self.sim.human(self.csm).set_company(ref.id, **{WATCHED: word or ""})

    def rename_task(self, key: str, subject: str) -> None:
        """By the CSM."""
        [task] = self.tasks(key)
        self.sim.human(self.csm).edit_task(task.id, hs_task_subject=subject)

    def deactivate(self, person: str) -> None:
        """By the admin."""
        self.sim.deactivate(person)

    def activate(self, person: str) -> None:
        """By the admin."""
        self.sim.activate(person)

    def tasks(self, key: str) -> list[SeenTask]:
        """Task records."""
        return [
            SeenTask(
                id=row["id"],
                subject=row.get("hs_task_subject", ""),
                text=row.get("hs_task_body", ""),
                owner_id=row.get("hubspot_owner_id", ""),
                due_on=_day(row["hs_timestamp"]),
                is_closed=row["hs_task_status"] == "COMPLETED",
                account=next(iter(self.sim.linked("tasks", row["id"], "companies")), None),
            )
            for row in self.sim.rows("tasks", kidglove_key=key)
        ]

    def field(self, ref: Ref, name: str) -> Any:
        """A property of a company."""
        return self.sim.get("companies", ref.id).get(name)


def _day(stamp: str) -> date:
    return datetime.fromisoformat(stamp).astimezone(ZONE).date()
