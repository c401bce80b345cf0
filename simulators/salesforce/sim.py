"""SalesforceSim: one stateful Salesforce org over plain HTTP, and the hands that work in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from simulators.clock import SimClock
from simulators.control import control_app
from simulators.faults import FaultDial
from simulators.salesforce.access import Access
from simulators.salesforce.announcing import Announcer, OrgPostman
from simulators.salesforce.chatter import Chatter
from simulators.salesforce.collections_api import CollectionsApi
from simulators.salesforce.describing import Describing
from simulators.salesforce.door import Door
from simulators.salesforce.errors import Refusal
from simulators.salesforce.ids import full_id
from simulators.salesforce.oauth import CONSUMER_KEY, CONSUMER_SECRET, USERNAME, OAuth
from simulators.salesforce.org import Org, Row
from simulators.salesforce.people import Person, Stage
from simulators.salesforce.picture import picture
from simulators.salesforce.query_api import QueryApi
from simulators.salesforce.quota import Quota
from simulators.salesforce.renaming import rename_label
from simulators.salesforce.rows_api import RowsApi
from simulators.salesforce.schema import Choice, Field, Kind, SObject
from simulators.salesforce.service import Parts, Seen, Service
from simulators.salesforce.soql_run import Queries
from simulators.salesforce.troubles import trouble_of
from simulators.salesforce.verbs import verbs_of
from simulators.salesforce.writing import Writing
from simulators.wire import LoopbackServer

FLOW_API_KEY = "simulated-flow-api-key"


class SalesforceSim(Stage):
    """A Salesforce org with the package deployed and its integration user ready.

    Thread safe. `port` 0 picks a free one; the address is known before `start`. Time is the
    clock's: tokens expire, quota rolls and stamps are made by it alone.
    """

    consumer_key = CONSUMER_KEY
    consumer_secret = CONSUMER_SECRET
    username = USERNAME
    flow_api_key = FLOW_API_KEY

    def __init__(
        self, clock: SimClock, *, seed: int = 0, port: int = 0, sandbox: bool = True
    ) -> None:
        self.clock = clock
        org = Org(clock, seed)
        access = Access(org)
        writing = Writing(org, access)
        super().__init__(org, writing)
        self.organization_id = self._found(sandbox)
        self.integration_user_id = self.add_user(
            "Dunning Sync", email=USERNAME, zone="GMT", title="Integration"
        )
        self.faults = FaultDial(seed)
        self.postman = OrgPostman(clock, seed=seed)
        self.quota = Quota(org)
        self.oauth = OAuth(org, self.organization_id, self.integration_user_id)
        self.access = access
        self._describing = Describing(org, access)
        rows = RowsApi(org, access, writing, self._describing)
        self._queries = QueryApi(org, Queries(org, access))
        self._chatter = Chatter(org)
        self._rows_api = rows
        self._service = Service(
            Parts(
                org=org,
                oauth=self.oauth,
                quota=self.quota,
                rows=rows,
                collections=CollectionsApi(org, access, writing, rows),
                queries=self._queries,
                chatter=self._chatter,
            )
        )
        self._announcer = Announcer(
            org, self.postman, self.organization_id, self.integration_user_id
        )
        control = control_app(self, check=trouble_of, refusal=Refusal)
        self.app = Door(self._service, self.faults, control)
        self._server = LoopbackServer(self.app, port)
        self.url = self.oauth.url = self._server.url
        self.private_key, self.public_key = self.oauth.private_key, self.oauth.public_key

    def start(self) -> SalesforceSim:
        """Serve on `url` from a thread."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop serving and posting."""
        self.postman.stop()
        self._server.stop()

    def __enter__(self) -> SalesforceSim:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def requests(self) -> list[Seen]:
        """Every request so far but those to `/_sim`, oldest first."""
        return list(self.app.requests)

    def writes(self) -> list[Seen]:
        """The requests that changed a row or posted to the feed, answered or not."""
        return [one for one in self.requests if one.wrote]

    def forget_requests(self) -> None:
        """Start the list of requests anew."""
        self.app.requests.clear()

    @property
    def api_calls(self) -> int:
        """Calls that counted against the allowance since construction; never goes down."""
        return self.quota.total

    def state(self, *, volatile: bool = True) -> dict[str, Any]:
        """The whole world, see `picture`."""
        return picture(self._org, self, volatile=volatile)

    def human(self, user_id: str) -> Person:
        """A user at the keyboard."""
        return self.person(user_id)

    def merge_accounts(
        self, winner: str, loser: str, keep: Mapping[str, Any] | None = None
    ) -> None:
        """Merge two Accounts as the admin."""
        self.person(self.admin).merge_accounts(winner, loser, keep)

    def deactivate(self, user_id: str) -> None:
        """Switch a user off: owns no new rows, and its sessions end."""
        self.person(self.admin).update("User", user_id, {"IsActive": False})

    def activate(self, user_id: str) -> None:
        """Switch a user on again."""
        self.person(self.admin).update("User", user_id, {"IsActive": True})

    def hide_field(self, object_name: str, field: str) -> None:
        """Hide a field from the integration user."""
        with self._schema_change():
            self.access.hide_field(object_name, field)

    def show_field(self, object_name: str, field: str) -> None:
        """Show it again."""
        with self._schema_change():
            self.access.show_field(object_name, field)

    def hide_object(self, object_name: str) -> None:
        """Hide a whole object from the integration user."""
        with self._schema_change():
            self.access.hide_object(object_name)

    def show_object(self, object_name: str) -> None:
        """Show it again."""
        with self._schema_change():
            self.access.show_object(object_name)

    def grant_edit(self, object_name: str, field: str) -> None:
        """Let the integration user edit a field."""
        with self._schema_change():
            self.access.grant_edit(object_name, field)

    def revoke_edit(self, object_name: str, field: str) -> None:
        """Make a field read-only for the integration user."""
        with self._schema_change():
            self.access.revoke_edit(object_name, field)

    def add_field(
        self,
        object_name: str,
        name: str,
        *,
        kind: str = "string",
        label: str | None = None,
        length: int = 255,
        values: Sequence[str] = (),
        refers_to: Sequence[str] = (),
        external_id: bool = False,
        unique: bool = False,
    ) -> None:
        """A field of the customer's own, such as who is away; the integration may read it only.

        `kind` is a describe type. A reference's relationship is the name with `__r`.
        """
        made = Field(
            name=name,
            kind=Kind(kind),
            label=label or name,
            length=length,
            precision=18 if kind in ("double", "currency", "int") else 0,
            external_id=external_id,
            unique=unique,
            choices=tuple(Choice(value, value) for value in values),
            refers_to=tuple(refers_to),
            relationship=name.replace("__c", "__r") if refers_to else None,
            default=False if kind == "boolean" else None,
            human=True,
        )
        with self._schema_change():
            self._org.add_field(object_name, made)
            self.access.revoke_edit(object_name, name)

    def rename_picklist_label(self, object_name: str, field: str, value: str, label: str) -> None:
        """Rename what people see; the API value stays."""
        with self._schema_change():
            rename_label(self._org, object_name, field, value, label)

    def add_rule(self, object_name: str, rule: Callable[[Row, Row | None], str | None]) -> None:
        """A validation rule: called with the new and the old row, returns words to refuse with."""
        with self._org.lock:
            self._org.rules.setdefault(object_name, []).append(rule)

    def clear_rules(self) -> None:
        """Drop all validation rules."""
        with self._org.lock:
            self._org.rules.clear()

    def hold_lock(self, id: str) -> None:
        """Act as another transaction that holds a row: writes to it or its activities fail."""
        with self._org.lock:
            self._org.held_rows.add(full_id(id) or id)

    def release_lock(self, id: str) -> None:
        """Let the row go."""
        with self._org.lock:
            self._org.held_rows.discard(full_id(id) or id)

    def kill_tokens(self) -> None:
        """End every session now."""
        with self._org.lock:
            self.oauth.kill_tokens()

    def set_quota(self, most: int) -> None:
        """The daily allowance."""
        with self._org.lock:
            self.quota.most = most

    def use_up_quota(self, left: int = 0) -> None:
        """Pretend that others spent all but `left` calls just now."""
        with self._org.lock:
            self.quota.use_up(left)

    def set_page_size(self, size: int) -> None:
        """Rows per query page."""
        with self._org.lock:
            self._queries.page_size = size

    def forget_locators(self) -> None:
        """Make every query locator stale."""
        with self._org.lock:
            self._queries.forget_locators()

    def set_visibility_lag(self, seconds: float) -> None:
        """People's edits carry their stamp at once and are seen only this much later."""
        with self._org.lock:
            self._org.lag = timedelta(seconds=seconds)

    def set_chatter(self, enabled: bool) -> None:
        """Switch Chatter on or off."""
        with self._org.lock:
            self._chatter.enabled = enabled

    def watch(
        self,
        url: str,
        *,
        kind: str = "outbound_message",
        fields: Sequence[str] = ("Dunning_Status__c", "Dunning_Hold_Until__c"),
        echoes: bool = False,
        api_key: str = FLOW_API_KEY,
        api_key_header: str = "X-Api-Key",
    ) -> None:
        """Post to `url` when a watched Account field changes (flow: and when a task closes)."""
        with self._org.lock:
            self._announcer.watch(
                url,
                kind,
                fields,
                echoes=echoes,
                api_key=api_key,
                api_key_header=api_key_header,
            )

    def describe(self, object_name: str) -> dict[str, Any]:
        """What describe answers for an object, without a request."""
        with self._org.lock:
            return self._describing.one(self._org.schema[object_name], "67.0")

    def schema(self) -> dict[str, SObject]:
        """The org's objects and fields, hidden ones too."""
        return dict(self._org.schema)

    def credentials(self) -> dict[str, str]:
        """All that a client needs to log in by either grant."""
        return {
            "url": self.url,
            "organization_id": self.organization_id,
            "consumer_key": self.consumer_key,
            "consumer_secret": self.consumer_secret,
            "username": self.username,
            "private_key": self.private_key,
            "flow_api_key": self.flow_api_key,
        }

    def verbs(self) -> Mapping[str, Callable[..., Any]]:
        """What `/_sim/do/<verb>` can do."""
        return verbs_of(self)

    def _found(self, sandbox: bool) -> str:
        org = self._org
        self.admin = org.mint.next("005")
        names = {"FirstName": "Org", "LastName": "Admin", "Username": "admin@example.com"}
        self.fixed(
            "User",
            {
                **names,
                "Email": "admin@example.com",
                "IsActive": True,
                "TimeZoneSidKey": "America/New_York",
                "LocaleSidKey": "en_US",
                "LanguageLocaleKey": "en_US",
                "UserType": "Standard",
                "CreatedDate": org.now(),
                "LastModifiedDate": org.now(),
            },
            id=self.admin,
        )
        self.set_task_statuses(
            ["Not Started", "In Progress", "Waiting on someone else", "Deferred"], ["Completed"]
        )
        self.set_task_priorities(["High"], ["Normal", "Low"])
        return self.fixed(
            "Organization",
            {
                "Name": "Acme Sandbox" if sandbox else "Acme",
                "IsSandbox": sandbox,
                "OrganizationType": "Enterprise Edition",
                "InstanceName": "CS1" if sandbox else "NA1",
                "TimeZoneSidKey": "America/New_York",
                "DefaultLocaleSidKey": "en_US",
                "LanguageLocaleKey": "en_US",
            },
        )

    @contextmanager
    def _schema_change(self) -> Iterator[None]:
        with self._org.lock:
            yield
            self._rows_api.schema_changed_at = self._org.now()
