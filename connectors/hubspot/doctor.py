"""Examines the credential, the portal and its schema without changing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from connectors.hubspot import ids
from connectors.hubspot.client import API_VERSION
from connectors.hubspot.errors import MissingScope
from connectors.hubspot.gateway import Gateway
from connectors.hubspot.names import Names
from connectors.hubspot.people import People
from connectors.hubspot.schema_check import PropertyNeed, property_findings, required
from connectors.hubspot.wire import Row
from domain.errors import KidgloveError
from domain.ports import Finding, Health

SUNSETS = {"2026-03": date(2027, 9, 30), "2026-09": date(2028, 3, 31)}
"""Until when HubSpot supports a version: eighteen months after it came (versioning policy)."""
WARN_DAYS = 120
"""Long enough to update and try on a test portal before it ends."""
ORDINARY_SHARE = 0.70
"""Where ordinary work should worry: the rest of the day is urgent work's and the portal's."""
ONLY_A_PERSON_KNOWS: tuple[tuple[str, str, str], ...] = (
    (
        "hubspot.webhooks",
        "whether the portal tells us of changes, or we only ask every minute",
        "Upload the app of connectors/hubspot/app, or confirm that asking is enough.",
    ),
    (
        "hubspot.task_mail",
        "whether CSMs learn of a new task: the daily digest is each user's own setting",
        "Ask a CSM; switch on task notifications in Settings, Notifications.",
    ),
    (
        "hubspot.rules",
        "whether a validation rule or required property stops an integration's write",
        "Look at Settings, Properties, for rules on the properties that Kidglove writes.",
    ),
)
"""What no call can tell, with the question in words and the way to settle it."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the configuration says about the portal, to be held against it."""

    portal_id: str = ""
    fallback_owner_id: str | None = None
    payments_are_live: bool | None = None
    scopes: tuple[str, ...] = ()
    needs: tuple[PropertyNeed, ...] = ()
    used_window: int | None = None
    """How many calls in ten seconds we allow ourselves."""


class Doctor:
    """`Examines` for HubSpot."""

    def __init__(
        self,
        gateway: Gateway,
        people: People,
        names: Names,
        expected: Expected,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._gateway = gateway
        self._people = people
        self._names = names
        self._expected = expected
        self._now = now

    def examine(self) -> Sequence[Finding]:
        """See `Examines.examine`. With a refused token only that is reported."""
        findings = list(_checked("hubspot.token", self._portal))
        if any(one.check == "hubspot.token" and one.health is Health.WRONG for one in findings):
            return findings
        for check, examine in (
            ("hubspot.scopes", self._scopes),
            ("hubspot.version", self._version),
            ("hubspot.properties", self._properties),
            ("hubspot.task_key", self._task_key),
            ("hubspot.users", self._users),
            ("hubspot.fallback_owner", self._fallback),
            ("hubspot.limits", self._limits),
        ):
            findings += _checked(check, examine)
        findings += [
            Finding(check=check, health=Health.UNKNOWN, detail=detail, remedy=remedy)
            for check, detail, remedy in ONLY_A_PERSON_KNOWS
        ]
        return findings

    def _portal(self) -> Iterator[Finding]:
        said = self._gateway.account()
        yield _ok("hubspot.token", "HubSpot accepts the token")
        portal, wanted = str(said.get("portalId") or ""), self._expected.portal_id
        if not wanted:
            yield _wrong(
                "hubspot.portal",
                f"the portal is {portal}, and the configuration names none",
                f"Set KIDGLOVE_HUBSPOT__PORTAL_ID={portal}, so that no other portal is ever taken "
                "for it.",
            )
        elif portal != wanted:
            yield _wrong(
                "hubspot.portal",
                f"the portal is {portal}, the configuration says {wanted}",
                "Correct the portal id, or give the right portal's token.",
            )
        else:
            yield _ok("hubspot.portal", f"the portal is {portal}")
        yield from self._account_type(str(said.get("accountType") or ""))
        zone = str(said.get("timeZone") or "")
        if zone:
            yield _ok("hubspot.zone", f"the portal's day is {zone}")
        else:
            yield _wrong(
                "hubspot.zone",
                "the portal tells no time zone",
                "Set it in Settings, Account defaults: due times fall back to UTC without it.",
            )

    def _account_type(self, kind: str) -> Iterator[Finding]:
        is_test = kind in ("DEVELOPER_TEST", "SANDBOX", "APP_DEVELOPER")
        if is_test and self._expected.payments_are_live:
            yield _wrong(
                "hubspot.sandbox",
                f"the portal is a {kind.lower().replace('_', ' ')} and the payment keys are live",
                "Use test keys with a test portal.",
            )
        elif not is_test and self._expected.payments_are_live is False:
            yield Finding(
                check="hubspot.sandbox",
                health=Health.UNKNOWN,
                detail="the portal is a real one and the payment keys are test keys",
                remedy="Confirm that test payments may make tasks for real people.",
            )
        else:
            yield _ok("hubspot.sandbox", f"the portal is {kind.lower().replace('_', ' ')}")

    def _scopes(self) -> Iterator[Finding]:
        try:
            granted = set(map(str, self._gateway.token_info().get("scopes") or ()))
        except KidgloveError:
            # VENDOR: only tokens of apps tell their scopes; a service key shows them by what is
            # refused (service keys guide).
            yield from self._scopes_by_trying()
            return
        for scope in self._expected.scopes:
            yield _scope(scope, scope in granted)

    def _scopes_by_trying(self) -> Iterator[Finding]:
        """One harmless read for each scope that a read can show; the others only a person knows."""
        tried: dict[str, Callable[[], object]] = {
            "crm.objects.companies.read": lambda: self._peek(ids.COMPANIES),
            "crm.objects.contacts.read": lambda: self._peek(ids.CONTACTS),
            "crm.objects.users.read": lambda: self._peek(ids.USERS),
            "tickets": lambda: self._peek(ids.TICKETS),
            "crm.objects.owners.read": lambda: self._gateway.owners(archived=False),
            "crm.schemas.companies.read": lambda: self._gateway.properties(ids.COMPANIES),
        }
        for scope in self._expected.scopes:
            if scope in tried:
                try:
                    tried[scope]()
                except MissingScope:
                    yield _scope(scope, False)
                else:
                    yield _scope(scope, True)
        others = [scope for scope in self._expected.scopes if scope not in tried]
        if others:
            yield Finding(
                check="hubspot.scopes",
                health=Health.UNKNOWN,
                detail=f"whether the key has {', '.join(others)}: HubSpot does not tell it",
                remedy="Compare them with the key's page in HubSpot, Development, Keys.",
            )

    def _peek(self, kind: str) -> object:
        return self._gateway.page(kind, (), what=kind, most=1)

    def _version(self) -> Iterator[Finding]:
        ends = SUNSETS[API_VERSION]
        left = (ends - self._now().date()).days
        if left > WARN_DAYS:
            yield _ok("hubspot.version", f"API {API_VERSION} is supported until {ends:%d %b %Y}")
        else:
            yield _wrong(
                "hubspot.version",
                f"API {API_VERSION} ends on {ends:%d %b %Y}, in {left} days",
                "Update Kidglove.",
            )

    def _properties(self) -> Iterator[Finding]:
        needs = (*required(self._names), *self._expected.needs)
        for kind in dict.fromkeys(need.kind for need in needs):
            rows = {str(row["name"]): row for row in self._gateway.properties(kind)}
            for need in dict.fromkeys(one for one in needs if one.kind == kind):
                yield from property_findings(need, rows.get(need.name))

    def _task_key(self) -> Iterator[Finding]:
        key = self._names.task_key
        rows = {str(row["name"]): row for row in self._gateway.properties(ids.TASKS)}
        if key not in rows:
            return
        if rows[key].get("hasUniqueValue"):
            yield _ok("hubspot.task_key", "HubSpot itself refuses a second task of one key")
        else:
            yield _ok(
                "hubspot.task_key",
                "the key is not unique here: tasks are looked up by their company instead",
            )

    def _users(self) -> Iterator[Finding]:
        directory = self._people.current()
        active = [one for one in directory.colleagues.values() if one.person.is_active]
        zoned = [one for one in active if one.person.zone]
        if zoned or not active:
            yield _ok(
                "hubspot.users", f"{len(zoned)} of {len(active)} owners have a time zone of theirs"
            )
        else:
            yield _wrong(
                "hubspot.users",
                "no owner's time zone or absence can be read",
                "Add the scope crm.objects.users.read; without it people who are away get work.",
            )

    def _fallback(self) -> Iterator[Finding]:
        owner = self._expected.fallback_owner_id
        check = "hubspot.fallback_owner"
        if owner is None:
            yield _wrong(
                check,
                "nobody is configured to take work that has no living owner",
                "Set KIDGLOVE_HUBSPOT__FALLBACK_OWNER to an owner id.",
            )
            return
        found = self._people.person(owner)
        if isinstance(found, KidgloveError):
            yield _wrong(check, found.message, found.remedy)
        elif not found.can_take_work:
            yield _wrong(
                check,
                f"the fallback owner {owner} is deactivated or away",
                "Configure somebody who works.",
            )
        else:
            yield _ok(check, f"{owner} can take work")

    def _limits(self) -> Iterator[Finding]:
        most, used = usage_of(self._gateway.usage())
        detail = f"{used:,} of {most:,} daily calls are used"
        if most and used / most < ORDINARY_SHARE:
            yield _ok("hubspot.limits", detail)
        else:
            yield _wrong(
                "hubspot.limits",
                f"{detail}: only urgent work goes on" if most else "HubSpot tells no daily limit",
                "Find the consumer in Development, Monitoring, or buy the API limit increase.",
            )
        window, ours = self._gateway.window, self._expected.used_window
        if window is not None and ours is not None and ours > window:
            yield _wrong(
                "hubspot.window",
                f"HubSpot allows {window} calls in ten seconds, and we are set to {ours}",
                f"Set KIDGLOVE_HUBSPOT__CALLS_PER_WINDOW={window}.",
            )
        elif window is not None:
            yield _ok("hubspot.window", f"HubSpot allows {window} calls in ten seconds")


def _scope(name: str, is_granted: bool) -> Finding:
    check = f"hubspot.scope.{name}"
    if is_granted:
        return _ok(check, "granted")
    return _wrong(check, "not granted", f"Add {name} to the service key or app, and save.")


def usage_of(said: Row) -> tuple[int, int]:
    """The day's limit and what is used of it, whichever form the answer has."""
    rows = said.get("results") or said.get("usages") or [said]
    row = rows[0] if rows else {}
    most = int(row.get("usageLimit") or 0)
    used = row.get("currentUsage", row.get("used", 0))
    return most, int(used or 0)


def _checked(check: str, examine: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """The findings of one check; a failure of the check itself is a finding like any other."""
    try:
        return list(examine())
    except KidgloveError as problem:
        return [_wrong(check, problem.message, problem.remedy)]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as problem:
        return [
            _wrong(
                check,
                f"HubSpot answered in an unknown form ({type(problem).__name__})",
                "Report it with the API version.",
            )
        ]


def _ok(check: str, detail: str) -> Finding:
    return Finding(check=check, health=Health.OK, detail=detail)


def _wrong(check: str, detail: str, remedy: str) -> Finding:
    return Finding(check=check, health=Health.WRONG, detail=detail, remedy=remedy)
