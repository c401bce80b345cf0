"""How each thing is done with a simulated Salesforce org."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from connectors.kit.http import Timeouts
from connectors.kit.limits import Limiter
from connectors.salesforce import webhook
from connectors.salesforce.connector import SalesforceConnector
from domain.errors import KidgloveError
from domain.ids import Ref
from domain.ports import FieldsChange, Incoming, TaskChange
from simulators.faults import Fault, Harm
from simulators.salesforce.troubles import whole
from tests.conformance.stage import (
    HARMS,
    PATIENT,
    Calls,
    CrmStage,
    Message,
    SeenTask,
    Trouble,
)
from tests.conformance.stages.catching import catch
from tests.connectors import salesforce_stage as org

SECRET = "path-secret-of-the-org"
WATCHED = "Dunning_Status__c"


class SalesforceStage(CrmStage):
    """An org with the package deployed."""

    vendor = "salesforce"
    paths: ClassVar[Mapping[Calls, tuple[str, str]]] = {
        Calls.ANY: (".*", "/services/data/.*"),
        Calls.READS: ("GET", "/services/data/.*"),
        Calls.WRITES: ("POST", "/services/data/.*/composite"),
    }
    plan = org.PLAN
    customer = org.CUSTOMER
    account_object = "Account"
    hold_word = "In Resolution"
    hold_field = WATCHED
    text_field = "Last_Failure_Code__c"
    amount_field = "Amount_Past_Due__c"
    amount_step = Decimal("0.01")
    subject_length = 255

    def begin(self) -> Any:
        """A new org."""
        self._org = org.Stage()
        self.sim = self._org.sim
        self.sim.url = self.sim.oauth.url = self.url
        self.clock, self.faults = self._org.clock, self.sim.faults
        self.ref, self.csm, self.spare = self._org.ref, self._org.csm, self._org.owner
        key = self.sim.private_key.strip().splitlines()
        self.secrets = [key[1], "00D", self.sim.consumer_secret, "assertion="]
        return self.sim.app

    def connector(
        self, *, timeouts: Timeouts = PATIENT, limiter: Limiter | None = None
    ) -> SalesforceConnector:
        """A connector with a token of its own."""
        return self._org.connector(timeouts=timeouts, limiter=limiter)

    def read(self, connector: SalesforceConnector) -> object:
        """By id."""
        said = connector.read_accounts(ids=[self.ref.id], plan=self.plan)[self.ref.id]
        if isinstance(said, KidgloveError):
            raise said
        return said

    def write(self, connector: SalesforceConnector, key: str) -> object:
        """A task."""
        change = TaskChange(key=key, account=self.ref, subject="Call", owner_id=self.csm)
        [said] = connector.write([change])
        if isinstance(said, KidgloveError):
            raise said
        return said

    def effects(self, key: str) -> int:
        """How many tasks have the key."""
        return len(self.tasks(key))

    def own_edit(self, connector: SalesforceConnector, key: str) -> None:
        """A payment field."""
        connector.write([FieldsChange(account=self.ref, values={self.text_field: "declined"})])

    @contextmanager
    def without_permission(self) -> Iterator[tuple[Any, str]]:
        """A mapped field is hidden."""
        self.sim.hide_field("Account", "Health_Score__c")
        yield self.connector(), "Health_Score__c"

    def fault(self, trouble: Trouble) -> Fault:
        """The org's own shapes."""
        match trouble:
            case Trouble.LIMITED:
                return whole("request_limit")
            case Trouble.CONFLICT:
                return Fault(harm=Harm.STATUS, status=412)
            case _:
                return HARMS[trouble]

    def enforce_limits(self) -> None:
        """The day's calls of the smallest org; Salesforce has no limit by the second."""
        self.sim.set_quota(15_000)

    def requests(self) -> int:
        """Calls of the REST API."""
        return len([one for one in self.sim.requests if one.path.startswith("/services/data")])

    def writes(self) -> int:
        """Calls that changed a row."""
        return len(self.sim.writes())

    def world(self) -> Mapping[str, Any]:
        """The org's rows."""
        return self.sim.state(volatile=False)

    def edit(self) -> Ref:
        """The CSM holds the account, or lets it go."""
        held = self.field(self.ref, WATCHED) == self.hold_word
        self.hold(self.ref, "Released" if held else self.hold_word)
        return self.ref

    def crowd(self) -> set[Ref]:
        """More accounts than the org's page has rows."""
        self.sim.set_page_size(4)
        return {self.add_account(f"Twin {n}", customer=f"cus_twin{n}") for n in range(11)}

    def touch(self, refs: Sequence[Ref]) -> None:
        """Held."""
        for ref in refs:
            self.hold(ref, self.hold_word)

    @property
    def signing_secret(self) -> str:
        """The secret in the address."""
        return SECRET

    def messages(self, *, copies: int = 1) -> list[Message]:
        """Two outbound messages."""

        def post(url: str) -> None:
            self.sim.watch(f"{url}/outbound/{SECRET}")
            self.sim.postman.dial.copies = copies
            for _ in range(2):
                self.edit()
                self.sim.postman.flush()
                self.clock.advance(timedelta(seconds=5))

        return [
            Message(body=one.body, proof={"secret": one.path.rpartition("/")[2]})
            for one in catch(post, answer=webhook.acknowledgement())
        ]

    def proven(self, body: bytes) -> Message:
        """Any body at the secret address."""
        return Message(body=body, proof={"secret": SECRET})

    def verify(
        self, message: Message, *, secrets: Sequence[str] | None = None, now: datetime | None = None
    ) -> Sequence[Incoming]:
        """The outbound message's door."""
        return webhook.verify(
            message.body,
            path_secret=message.proof.get("secret", ""),
            expected_secrets=[SECRET] if secrets is None else secrets,
            organization_id=self.sim.organization_id,
        )

    # ------------------------------------------------------------ CRM

    def add_account(self, name: str, *, customer: str | None = None) -> Ref:
        """Owned by the manager's team."""
        more = {"Stripe_Customer_Id__c": customer} if customer else {}
        made = self.sim.add_account(name, owner=self._org.owner, **more)
        return Ref("salesforce", "account", made)

    def spellings(self) -> Sequence[str]:
        """Fifteen and eighteen characters."""
        return [self.ref.id, self.ref.id[:15]]

    def unknown_id(self) -> str:
        """An account's prefix and nobody's number."""
        return "001000000000001AAA"

    def id_of_another_kind(self) -> str:
        """A person."""
        return self.csm

    def merge(self, winner: Ref, loser: Ref) -> None:
        """By the admin."""
        self.sim.merge_accounts(winner.id, loser.id)

    def delete(self, ref: Ref) -> None:
        """By the CSM."""
        self.sim.human(self.csm).delete("Account", ref.id)

    def hold(self, ref: Ref, word: str | None) -> None:
        """By the CSM."""
        self.sim.human(self.csm).update("Account", ref.id, {WATCHED: word})

    def rename_task(self, key: str, subject: str) -> None:
        """By the CSM."""
        [task] = self.tasks(key)
        self.sim.human(self.csm).update("Task", task.id, {"Subject": subject})

    def deactivate(self, person: str) -> None:
        """By the admin."""
        self.sim.deactivate(person)

    def activate(self, person: str) -> None:
        """By the admin."""
        self.sim.activate(person)

    def tasks(self, key: str) -> list[SeenTask]:
        """Rows of Task."""
        return [
            SeenTask(
                id=row["Id"],
                subject=row["Subject"],
                text=row["Description"] or "",
                owner_id=row["OwnerId"],
                due_on=_day(row["ActivityDate"]),
                is_closed=row["Status"] == "Completed",
                account=row["WhatId"],
            )
            for row in self.sim.rows("Task", Dunning_Key__c=key)
        ]

    def field(self, ref: Ref, name: str) -> Any:
        """A column of Account."""
        return self.sim.get(ref.id)[name]


def _day(shown: Any) -> date | None:
    return date.fromisoformat(str(shown)) if shown else None
