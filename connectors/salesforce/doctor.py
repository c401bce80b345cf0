"""Examines the credential, the org and its schema without changing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from connectors.salesforce import ids, soql
from connectors.salesforce.client import API_VERSION, Gateway, Row
from connectors.salesforce.names import Names
from connectors.salesforce.quota import ORDINARY_SHARE
from connectors.salesforce.read import AccountReader
from connectors.salesforce.schema_check import FieldNeed, field_findings, required
from connectors.salesforce.vocabulary import TaskWords
from domain.errors import KidgloveError
from domain.ports import Finding, Health

ONLY_A_PERSON_KNOWS: tuple[tuple[str, str, str], ...] = (
    (
        "salesforce.echo",
        "whether the org sends its notifications for our own writes too",
        "Remove the permission Send Outbound Messages from the integration user.",
    ),
    (
        "salesforce.task_mail",
        "whether CSMs learn of a new task: one made by an integration sends no mail",
        "Ask a CSM whether the bell is enough; if not, add a flow that mails the owner.",
    ),
    (
        "salesforce.sharing",
        "whether the integration user sees every account",
        "Give it View All on Account, or a sharing rule that covers every paying customer.",
    ),
)
"""What no call can tell, with the question in words and the way to settle it."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the configuration says about the org, to be held against it."""

    organization_id: str
    fallback_owner_id: str | None = None
    payments_are_live: bool | None = None
    needs: tuple[FieldNeed, ...] = ()


class Doctor:
    """`Examines` for Salesforce."""

    def __init__(
        self,
        gateway: Gateway,
        reader: AccountReader,
        words: TaskWords,
        names: Names,
        expected: Expected,
    ) -> None:
        self._gateway = gateway
        self._reader = reader
        self._words = words
        self._names = names
        self._expected = expected

    def examine(self) -> Sequence[Finding]:
        """See `Examines.examine`. Without a login only that is reported, with what it needs."""
        findings = list(_checked("salesforce.login", self._login))
        if any(one.health is Health.WRONG for one in findings):
            return findings
        for check, examine in (
            ("salesforce.version", self._version),
            ("salesforce.sandbox", self._sandbox),
            ("salesforce.fields", self._fields),
            ("salesforce.task", self._task),
            ("salesforce.task_status", self._task_status),
            ("salesforce.fallback_owner", self._fallback),
            ("salesforce.limits", self._limits),
        ):
            findings += _checked(check, examine)
        findings += [
            Finding(check=check, health=Health.UNKNOWN, detail=detail, remedy=remedy)
            for check, detail, remedy in ONLY_A_PERSON_KNOWS
        ]
        return findings

    def _login(self) -> Iterator[Finding]:
        said = self._gateway.userinfo()
        yield _ok("salesforce.login", f"logged in as user {said.get('user_id')}")
        org = str(said.get("organization_id") or "")
        if ids.is_same(org, self._expected.organization_id):
            yield _ok("salesforce.org", f"the org is {org}")
        else:
            yield _wrong(
                "salesforce.org",
                f"the org is {org}, the configuration says {self._expected.organization_id}",
                "Correct the org id, or log in to the right org: a copied sandbox has its own id.",
            )

    def _version(self) -> Iterator[Finding]:
        served = self._gateway.versions()
        if API_VERSION in served:
            yield _ok("salesforce.version", f"API {API_VERSION} is served")
        else:
            yield _wrong(
                "salesforce.version",
                f"API {API_VERSION} is not served; the newest is {served[-1] if served else '?'}",
                "Update Kidglove, or wait until the org has the release.",
            )

    def _sandbox(self) -> Iterator[Finding]:
        rows = self._gateway.query("SELECT Id,IsSandbox FROM Organization", what="the org")
        is_sandbox, is_live = bool(rows[0]["IsSandbox"]), self._expected.payments_are_live
        kind = "a sandbox" if is_sandbox else "production"
        if is_sandbox and is_live:
            yield _wrong(
                "salesforce.sandbox",
                "the org is a sandbox and the payment keys are live",
                "Use test keys with a sandbox: it holds copies of real customers' records.",
            )
        elif not is_sandbox and is_live is False:
            yield Finding(
                check="salesforce.sandbox",
                health=Health.UNKNOWN,
                detail="the org is production and the payment keys are test keys",
                remedy="Confirm that test payments may make tasks for real people.",
            )
        else:
            yield _ok("salesforce.sandbox", f"the org is {kind}")

    def _fields(self) -> Iterator[Finding]:
        needs = (*required(self._names), *self._expected.needs)
        for entity in dict.fromkeys(need.entity for need in needs):
            described = self._gateway.describe(entity)
            for need in needs:
                if need.entity == entity:
                    yield from field_findings(need, described)

    def _task(self) -> Iterator[Finding]:
        described = self._gateway.describe("Task")
        if described.get("createable") and described.get("updateable"):
            yield _ok("salesforce.task", "tasks can be made and changed")
        else:
            yield _wrong(
                "salesforce.task",
                "the integration user may not make or change tasks",
                "Give it the permission Edit Tasks (it is in the package's permission set).",
            )

    def _task_status(self) -> Iterator[Finding]:
        words = self._words.current()
        yield _ok(
            "salesforce.task_status", f"a task opens as {words.open!r}, closes as {words.closed!r}"
        )

    def _fallback(self) -> Iterator[Finding]:
        owner = self._expected.fallback_owner_id
        if owner is None:
            yield _wrong(
                "salesforce.fallback_owner",
                "nobody is configured to take work that has no living owner",
                "Configure a queue that supports tasks, or a person.",
            )
            return
        found = self._reader.person(owner)
        if isinstance(found, KidgloveError):
            yield _wrong("salesforce.fallback_owner", found.message, found.remedy)
        elif owner.startswith("00G") and not self._takes_tasks(owner):
            yield _wrong(
                "salesforce.fallback_owner",
                f"the queue {owner} does not take tasks",
                "Add Task to the queue's supported objects in Setup, Queues.",
            )
        elif not found.can_take_work:
            yield _wrong(
                "salesforce.fallback_owner",
                f"the fallback owner {owner} is inactive or away",
                "Configure somebody who works, or a queue.",
            )
        else:
            yield _ok("salesforce.fallback_owner", f"{owner} can take work")

    def _takes_tasks(self, queue: str) -> bool:
        text = soql.select(
            ("Id",),
            "QueueSobject",
            where=f"QueueId = {soql.quoted(queue)} AND SobjectType = 'Task'",
        )
        return bool(self._gateway.query(text, what=f"queue {queue}"))

    def _limits(self) -> Iterator[Finding]:
        daily: Row = self._gateway.limits()["DailyApiRequests"]
        most, left = int(daily["Max"]), int(daily["Remaining"])
        used = 1 - left / most if most else 1.0
        detail = f"{most - left:,} of {most:,} daily calls are used"
        if used < ORDINARY_SHARE:
            yield _ok("salesforce.limits", detail)
        else:
            yield _wrong(
                "salesforce.limits",
                f"{detail}: only urgent work goes on",
                "Find the consumer in Setup, System Overview, API Usage, or buy calls.",
            )


def _checked(check: str, examine: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """The findings of one check; a failure of the check itself is a finding like any other."""
    try:
        return list(examine())
    except KidgloveError as problem:
        return [_wrong(check, problem.message, problem.remedy)]
    except (KeyError, IndexError, TypeError, ValueError) as problem:
        return [
            _wrong(
                check,
                f"Salesforce answered in an unknown form ({type(problem).__name__})",
                "Report it with the org's API version.",
            )
        ]


def _ok(check: str, detail: str) -> Finding:
    return Finding(check=check, health=Health.OK, detail=detail)


def _wrong(check: str, detail: str, remedy: str) -> Finding:
    return Finding(check=check, health=Health.WRONG, detail=detail, remedy=remedy)
