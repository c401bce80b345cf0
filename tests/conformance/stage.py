"""What a vendor's stage must be able to do, so that the checks can be the same for everybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, NoReturn, Self

from connectors.kit.http import Timeouts
from connectors.kit.limits import Limiter
from domain.ids import Ref
from domain.ports import Incoming, ReadPlan
from simulators.clock import SimClock
from simulators.faults import Fault, FaultDial, Harm
from simulators.wire import LoopbackServer

START = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
PATIENT = Timeouts(connect=2, read=10)
HASTY = Timeouts(connect=2, read=0.3)
"""For the checks in which the vendor never answers."""
SILENCE = 0.5
"""Seconds that a silent vendor keeps the line open: longer than the hasty wait."""


def at_once(_: float) -> None:
    """Sleep without sleeping."""


class Trouble(StrEnum):
    """What goes wrong with a call, in no vendor's words."""

    UNAUTHORIZED = "401"
    CONFLICT = "409 or 412: somebody else was there a moment ago"
    LIMITED = "too many calls, and no word of how long"
    LIMITED_WITH_WAIT = "too many calls, wait so long"
    UNWELL = "5xx in the vendor's own words"
    HTML = "5xx with a page of a proxy"
    LOST_BEFORE = "no answer, and nothing was done"
    LOST_AFTER = "no answer, but it was done"
    HUNG_UP_BEFORE = "the line broke before anything was done"
    HUNG_UP_AFTER = "the line broke after it was done"


WAIT = timedelta(seconds=47)
"""What a vendor that tells a wait tells here: longer than any short retry."""
HARMS: Mapping[Trouble, Fault] = {
    Trouble.UNAUTHORIZED: Fault(harm=Harm.STATUS, status=401),
    Trouble.LIMITED: Fault(harm=Harm.STATUS, status=429),
    Trouble.LIMITED_WITH_WAIT: Fault(
        harm=Harm.STATUS,
        status=429,
        headers={"Retry-After": str(int(WAIT.total_seconds()))},
    ),
    Trouble.CONFLICT: Fault(harm=Harm.STATUS, status=409),
    Trouble.UNWELL: Fault(harm=Harm.STATUS, status=503),
    Trouble.HTML: Fault(harm=Harm.HTML, status=502),
    Trouble.LOST_BEFORE: Fault(harm=Harm.TIMEOUT_BEFORE, seconds=SILENCE),
    Trouble.LOST_AFTER: Fault(harm=Harm.TIMEOUT_AFTER, seconds=SILENCE),
    Trouble.HUNG_UP_BEFORE: Fault(harm=Harm.RESET_BEFORE),
    Trouble.HUNG_UP_AFTER: Fault(harm=Harm.RESET_AFTER),
}
LOST = (Trouble.LOST_BEFORE, Trouble.HUNG_UP_BEFORE, Trouble.LOST_AFTER, Trouble.HUNG_UP_AFTER)


class Calls(StrEnum):
    """Which calls a trouble hits."""

    ANY = "any"
    READS = "reads"
    WRITES = "writes"


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message as the vendor sent it: the raw body, and whatever proves it."""

    body: bytes
    proof: Mapping[str, str]


class Unstaged(Exception):
    """A stage does not say yet how something is done with its vendor."""


class Switchboard:
    """One server for all checks of a class: it hands every request to the newest simulator."""

    def __init__(self) -> None:
        self.app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass one request on."""
        await self.app(scope, receive, send)


class Stage:
    """One simulated vendor with one account of interest, and the hands that a check needs.

    `renew` makes a whole new simulator behind the same address. Whatever a stage leaves out raises
    `Unstaged`, so that a new vendor can begin with nothing.
    """

    vendor: ClassVar[str]
    paths: ClassVar[Mapping[Calls, tuple[str, str]]]
    """Method and path of the vendor's calls, as patterns."""
    soon: ClassVar[timedelta] = timedelta(seconds=1)
    """When lists show what has changed; a read shows it at once."""
    clock: SimClock
    faults: FaultDial
    secrets: Sequence[str] = ()
    """Texts that no log and no error may hold."""

    def __init__(self) -> None:
        self._switchboard = Switchboard()
        # The simulators answer with their own dates where a date matters.
        self._server = LoopbackServer(self._switchboard, dates=False)
        self.url = self._server.url

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def renew(self) -> None:
        """A new simulator with its account of interest; nothing armed, nothing counted."""
        self._switchboard.app = self.begin()

    def begin(self) -> Any:
        """Make the simulator and the account of interest; the app to serve at `url`."""
        self.unsaid("begin")

    def unsaid(self, what: str) -> NoReturn:
        """Raise `Unstaged` for what this stage does not say."""
        raise Unstaged(f"the stage of {self.vendor} does not say yet how to {what}")

    # ------------------------------------------------------------ the connector

    def connector(self, *, timeouts: Timeouts = PATIENT, limiter: Limiter | None = None) -> Any:
        """A connector of its own, as another worker would have; its retries do not sleep."""
        self.unsaid("build a connector")

    def read(self, connector: Any) -> object:
        """The account of interest as the connector reads it. Raises what is answered for it."""
        self.unsaid("read the account")

    def hurry(self, connector: Any) -> None:
        """More calls than go through at once of each kind that the vendor limits by itself; by
        default there is none."""

    def write(self, connector: Any, key: str) -> object:
        """One write under a key that takes effect once. Raises what is answered for it."""
        self.unsaid("write")

    def effects(self, key: str) -> int:
        """How often `write` took effect under this key."""
        self.unsaid("count effects")

    def own_edit(self, connector: Any, key: str) -> None:
        """Change something that we may write, so that the vendor will tell of it."""
        self.unsaid("change something of its own")

    @contextmanager
    def without_permission(self) -> Iterator[tuple[Any, str]]:
        """A connector whose read lacks one permission, and the name of that permission."""
        yield self.unsaid("take a permission away")

    # ------------------------------------------------------------ the vendor

    def arm(self, trouble: Trouble, *, on: Calls = Calls.ANY, times: int | None = 1) -> None:
        """Let the next calls meet a trouble; None means until the check is over."""
        method, path = self.paths[on]
        self.faults.arm(replace(self.fault(trouble), method=method, path=path, times=times))

    def fault(self, trouble: Trouble) -> Fault:
        """The trouble in the shape that this vendor gives it."""
        return HARMS[trouble]

    def enforce_limits(self) -> None:
        """Let the vendor refuse what goes beyond its documented rates, on the simulated clock."""
        self.unsaid("enforce its limits")

    def requests(self) -> int:
        """Calls of the API since `renew`; logins are not among them."""
        self.unsaid("count calls")

    def writes(self) -> int:
        """Those of them that meant to change something."""
        self.unsaid("count writing calls")

    def world(self) -> Mapping[str, Any]:
        """Everything that an outcome consists of."""
        self.unsaid("show the world")

    def edit(self) -> Ref:
        """A person changes what we watch on the account of interest; the ref to look at."""
        self.unsaid("let a person change something")

    def crowd(self) -> set[Ref]:
        """So many new accounts that a listing of changes has several pages."""
        self.unsaid("make many accounts")

    def touch(self, refs: Sequence[Ref]) -> None:
        """People change what we watch on each of these."""
        self.unsaid("let people change many accounts")

    # ------------------------------------------------------------ messages

    @property
    def signing_secret(self) -> str:
        """What proves a message now."""
        self.unsaid("prove a message")

    def messages(self, *, copies: int = 1) -> list[Message]:
        """What the vendor sends when a person changes something twice, each `copies` times."""
        self.unsaid("send a message")

    def proven(self, body: bytes) -> Message:
        """A body with a good proof, as only the vendor could make it."""
        self.unsaid("prove a body")

    def verify(
        self, message: Message, *, secrets: Sequence[str] | None = None, now: datetime | None = None
    ) -> Sequence[Incoming]:
        """What the connector's door lets in. Raises `SignatureRefused`."""
        self.unsaid("verify a message")


@dataclass(frozen=True, kw_only=True)
class SeenTask:
    """A task as it stands in the CRM."""

    id: str
    subject: str
    text: str
    owner_id: str
    due_on: date | None
    is_closed: bool
    account: str | None
    """The id of the account that it hangs on."""


class CrmStage(Stage):
    """A CRM with a CSM, an owner, and an account that is linked to a payment customer."""

    plan: ReadPlan
    ref: Ref
    customer: str
    csm: str
    spare: str
    """Somebody else who can take a task."""
    account_object: str
    """The vendor's own word for what an account is there."""
    hold_word: str
    hold_field: str
    text_field: str
    amount_field: str
    amount_step: Decimal
    """The smallest amount that the field keeps apart."""
    subject_length: int
    garbage: Sequence[str] = ("", "x", "'; DROP TABLE", "\u0661\u0662", "a" * 300)

    def add_account(self, name: str, *, customer: str | None = None) -> Ref:
        """Another account."""
        self.unsaid("add an account")

    def spellings(self) -> Sequence[str]:
        """Every form in which the vendor may give the id of the account of interest."""
        return [self.ref.id]

    def unknown_id(self) -> str:
        """A well-formed account id that never existed."""
        self.unsaid("make up an id")

    def id_of_another_kind(self) -> str:
        """The id of a record of the CRM that is no account."""
        self.unsaid("make another record")

    def merge(self, winner: Ref, loser: Ref) -> None:
        """A person merges two accounts."""
        self.unsaid("merge")

    def delete(self, ref: Ref) -> None:
        """A person deletes an account."""
        self.unsaid("delete")

    def hold(self, ref: Ref, word: str | None) -> None:
        """A person sets the resolution field."""
        self.unsaid("hold")

    def rename_task(self, key: str, subject: str) -> None:
        """A person changes the subject of our task."""
        self.unsaid("rename a task")

    def deactivate(self, person: str) -> None:
        """Switch a person off."""
        self.unsaid("deactivate")

    def activate(self, person: str) -> None:
        """Switch a person on again."""
        self.unsaid("activate")

    def tasks(self, key: str) -> list[SeenTask]:
        """The tasks under a key, as they stand."""
        self.unsaid("show tasks")

    def field(self, ref: Ref, name: str) -> Any:
        """The value of an account's field, as it stands."""
        self.unsaid("show a field")


class PaymentsStage(Stage):
    """A payment system with a customer whose renewal has failed, and whose card works again."""

    customer: str
    invoice: str
    subscription: str

    def add_customer(self, name: str, *, currency: str = "usd", amount: int = 5000) -> str:
        """A customer whose renewal of `amount` minor units has failed."""
        self.unsaid("add a customer")

    def delete(self, customer: str) -> None:
        """A person deletes a customer."""
        self.unsaid("delete a customer")

    def break_card(self) -> None:
        """The customer's card declines from now on."""
        self.unsaid("break a card")

    def settle_invoice(self) -> None:
        """The failing invoice is voided by a person."""
        self.unsaid("void an invoice")
