"""HubspotSim: one stateful HubSpot account over plain HTTP, and the hands that work in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from simulators.clock import SimClock
from simulators.control import control_app
from simulators.faults import FaultDial
from simulators.hooks import Postman
from simulators.hubspot.access import Access
from simulators.hubspot.announcing import RETRY_AFTER, Announcer
from simulators.hubspot.associating import Associating
from simulators.hubspot.associations_api import AssociationsApi
from simulators.hubspot.batch_api import BatchApi
from simulators.hubspot.directory_api import DirectoryApi
from simulators.hubspot.door import Door
from simulators.hubspot.errors import Refusal
from simulators.hubspot.journal import Journal, JournalApi, SubscriptionsApi
from simulators.hubspot.limits import Limits
from simulators.hubspot.merging import Merging
from simulators.hubspot.objects_api import ObjectsApi
from simulators.hubspot.picture import picture
from simulators.hubspot.portal import Portal, Record, Rule
from simulators.hubspot.properties_api import PropertiesApi
from simulators.hubspot.search_api import SearchApi
from simulators.hubspot.service import Parts, Seen, Service
from simulators.hubspot.stage import StageHands
from simulators.hubspot.troubles import trouble_of
from simulators.hubspot.values import from_python
from simulators.hubspot.verbs import verbs_of
from simulators.hubspot.writing import Writing
from simulators.wire import LoopbackServer

PORTAL_ID = 62515
APP_ID = "8111832"


class HubspotSim(StageHands):
    """A HubSpot account with a service key ready and no property of anybody's own.

    Thread safe. `port` 0 picks a free one; the address is known before `start`. Time is the
    clock's: tokens expire, days end, search lags and stamps are made by it alone.
    """

    app_id = APP_ID
    portal_id = PORTAL_ID

    def __init__(
        self,
        clock: SimClock,
        *,
        seed: int = 0,
        port: int = 0,
        zone: str = "America/New_York",
        account_type: str = "STANDARD",
    ) -> None:
        self.clock = clock
        portal = Portal(clock, seed, PORTAL_ID, zone)
        writing = Writing(portal)
        associating = Associating(portal, writing)
        merging = Merging(portal)
        objects = ObjectsApi(portal, writing, associating, merging)
        batches = BatchApi(portal, writing, associating, objects)
        properties = PropertiesApi(portal, batches)
        super().__init__(portal, writing, associating, merging, properties)
        self.faults = FaultDial(seed)
        self.postman = Postman(clock, retry_after=RETRY_AFTER, seed=seed)
        self.limits = Limits(portal)
        self.access = Access(portal, APP_ID)
        self.batches = batches.dial
        self._announcer = Announcer(
            portal, self.postman, app_id=APP_ID, secret=self.access.client_secret, seed=seed
        )
        self.associations = AssociationsApi(portal, associating, batches)
        self._journal = Journal(portal)
        journal = JournalApi(portal, self._journal)
        self._service = Service(
            Parts(
                portal=portal,
                access=self.access,
                limits=self.limits,
                objects=objects,
                batches=batches,
                search=SearchApi(portal),
                associations=self.associations,
                properties=properties,
                directory=DirectoryApi(portal, self.limits, account_type),
                files=self._journal.file,
                areas={
                    "journal": journal,
                    "journal-local": journal,
                    "subscriptions": SubscriptionsApi(portal, self._journal, APP_ID),
                },
            )
        )
        control = control_app(self, check=trouble_of, refusal=Refusal)
        self.app = Door(self._service, self.faults, control)
        self._server = LoopbackServer(self.app, port)
        self.url = self._journal.url = self._server.url

    def start(self) -> HubspotSim:
        """Serve on `url` from a thread."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop serving and posting."""
        self.postman.stop()
        self._server.stop()

    def __enter__(self) -> HubspotSim:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def requests(self) -> list[Seen]:
        """Every request so far but those to `/_sim`, oldest first."""
        return list(self.app.requests)

    def writes(self) -> list[Seen]:
        """The requests that changed a record or a link, answered or not."""
        return [one for one in self.requests if one.wrote]

    def forget_requests(self) -> None:
        """Start the list of requests anew."""
        self.app.requests.clear()

    @property
    def api_calls(self) -> int:
        """Calls that counted against the day's allowance since construction; never goes down."""
        return self.limits.total

    @property
    def service_key(self) -> str:
        """The bearer token of the app."""
        return self.access.service_key

    def credentials(self) -> dict[str, Any]:
        """All that a client needs to get in, by service key or by OAuth."""
        return {
            "url": self.url,
            "portal_id": PORTAL_ID,
            "app_id": APP_ID,
            "service_key": self.access.service_key,
            "client_id": self.access.client_id,
            "client_secret": self.access.client_secret,
            "refresh_token": self.access.refresh_token,
        }

    def state(self, *, volatile: bool = True) -> dict[str, Any]:
        """The whole world, see `picture`."""
        return picture(self._portal, volatile=volatile)

    def get(self, type_name: str, id: str) -> dict[str, str]:
        """The values of a record by id, archived or merged ones too; KeyError if it never was."""
        with self._portal.lock:
            found = self._portal.records[type_name].get(self._portal.resolve(type_name, id))
            if found is None:
                raise KeyError(f"no {type_name} {id}")
            return _plain(found)

    def rows(self, type_name: str, **equals: Any) -> list[dict[str, str]]:
        """The values of the live records whose properties equal what is given, oldest first."""
        wanted = {name: from_python(value) or "" for name, value in equals.items()}
        with self._portal.lock:
            return [
                _plain(record)
                for record in self._portal.live(type_name)
                if all(record.values.get(name, "") == text for name, text in wanted.items())
            ]

    def linked(self, type_name: str, id: str, to: str) -> list[str]:
        """The ids of the records of type `to` that a record is linked to."""
        with self._portal.lock:
            end = (type_name, self._portal.resolve(type_name, id))
            return [other for _, other in self._portal.links.of(end, to)]

    def history(self, type_name: str, id: str, name: str) -> list[dict[str, Any]]:
        """The values that a property had, newest first: value, at, source_type, source_id."""
        with self._portal.lock:
            record = self._portal.records[type_name][self._portal.resolve(type_name, id)]
            return [
                {
                    "value": one.value,
                    "at": one.at.isoformat(),
                    "source_type": one.source.type,
                    "source_id": one.source.id,
                }
                for one in record.history.get(name, ())
            ]

    def set_search_lag(self, seconds: float) -> None:
        """Writes show in search only this much later, by the simulated clock."""
        with self._portal.lock:
            self._portal.lag = timedelta(seconds=seconds)

    def set_limits(
        self,
        *,
        burst: int | None = None,
        search: int | None = None,
        daily: int | None = None,
        retry_after: bool | None = None,
        only_virtual: bool = False,
    ) -> None:
        """Calls per ten seconds, searches per second, calls per day; whether a 429 says when.

        `only_virtual`: only the simulated clock empties the windows, real seconds no longer do.
        """
        with self._portal.lock:
            limits = self.limits
            limits.burst = limits.burst if burst is None else burst
            limits.search.most = limits.search.most if search is None else search
            limits.daily = limits.daily if daily is None else daily
            limits.retry_after = limits.retry_after if retry_after is None else retry_after
            if only_virtual:
                limits.only_virtual()

    def use_up_daily(self, left: int = 0) -> None:
        """Pretend that others in the account made all but `left` of today's calls."""
        with self._portal.lock:
            self.limits.use_up(left)

    def set_batches(self, *, partial: str | None = None, status: int | None = None) -> None:
        """How batches tell of bad rows: `partial` traced, always or never; `status` 200 or 207."""
        if partial not in (None, "traced", "always", "never"):
            raise ValueError(f"partial is traced, always or never, not {partial}")
        with self._portal.lock:
            self.batches.partial = partial or self.batches.partial
            self.batches.status = status

    def set_merging(self, *, new_ids: bool) -> None:
        """Whether the survivor of a merge gets a new id."""
        with self._portal.lock:
            self._merging.new_ids = new_ids

    def set_unique_on(self, type_name: str, allowed: bool, *, refusal: str | None = None) -> None:
        """Whether new properties of an object type may have unique values; else that is dropped
        without a word, or the property is refused with the category `refusal`."""
        with self._portal.lock:
            self._properties.unique_refusal = refusal
            if allowed:
                self._properties.refuses_unique.discard(type_name)
            else:
                self._properties.refuses_unique.add(type_name)

    def set_page_size(self, size: int) -> None:
        """How many links one record shows at once."""
        with self._portal.lock:
            self._portal.links.page_size = size

    def set_scopes(self, scopes: Collection[str]) -> None:
        """Grant exactly these scopes to the app."""
        with self._portal.lock:
            self.access.set_scopes(scopes)

    def revoke_scope(self, scope: str) -> None:
        """Take one scope away from the app."""
        self.set_scopes(self.access.scopes - {scope})

    def set_app_token(self, is_one: bool = True) -> None:
        """Let the key be an app's access token, which can be asked for its scopes, or not."""
        with self._portal.lock:
            self.access.tells_scopes = is_one

    def rotate_key(self, *, grace: bool = False) -> str:
        """Rotate the service key; the old one ends now, or after seven days of grace."""
        with self._portal.lock:
            return self.access.rotate_key(grace=grace)

    def revoke_key(self) -> None:
        """Deactivate the service key."""
        with self._portal.lock:
            self.access.revoke_key()

    def kill_tokens(self) -> None:
        """End every OAuth token now."""
        with self._portal.lock:
            self.access.kill_tokens()

    def watch(
        self, url: str, subscriptions: Sequence[str], *, signed_url: str | None = None
    ) -> None:
        """Post to `url` what is subscribed to, such as `company.propertyChange:hold`.

        `object.creation:0-27` is the other dialect, which tasks need. `signed_url` is what the
        signature covers when a proxy stands in between.
        """
        with self._portal.lock:
            self._announcer.watch(url, subscriptions, signed_url)

    def write_journal(self, events: Sequence[Any]) -> None:
        """An entry of the journal with exactly these events: another portal's, or odd ones."""
        with self._portal.lock:
            self._journal.write(events)

    def repeat_event_ids(self, repeats: bool = True) -> None:
        """Let all events carry one id from now on."""
        self._announcer.repeat_event_ids = repeats

    def add_rule(self, type_name: str, rule: Rule) -> None:
        """A validation rule of the admin, called with the values after and before a write.

        It binds people, and the API from version 2026-09 on; None lets the write pass, words
        refuse it.
        """
        with self._portal.lock:
            self._portal.rules.setdefault(type_name, []).append(rule)

    def require_on_create(self, type_name: str, name: str) -> None:
        """A property that every new record must have."""

        def rule(after: Mapping[str, str], before: Mapping[str, str] | None) -> str | None:
            missing = before is None and not after.get(name)
            return f"{name} is required to create a record" if missing else None

        self.add_rule(type_name, rule)

    def require_when(self, type_name: str, name: str, *, when: str, equals: str) -> None:
        """A property that must be set as soon as another one has a value."""

        def rule(after: Mapping[str, str], before: Mapping[str, str] | None) -> str | None:
            missing = after.get(when) == equals and not after.get(name)
            return f"{name} is required when {when} is {equals}" if missing else None

        self.add_rule(type_name, rule)

    def clear_rules(self) -> None:
        """Drop all validation rules."""
        with self._portal.lock:
            self._portal.rules.clear()

    def verbs(self) -> Mapping[str, Callable[..., Any]]:
        """What `/_sim/do/<verb>` can do."""
        return verbs_of(self)


def _plain(record: Record) -> dict[str, str]:
    kept = {name: text for name, text in sorted(record.values.items()) if text}
    return {"id": record.id, **kept}
