"""The one gate to Salesforce: every REST call typed, counted, limited, and with a live token."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from connectors.kit.limits import Limiter
from connectors.kit.retry import Retry
from connectors.kit.tokens import Token, TokenProvider
from connectors.kit.transport import transport_error
from connectors.salesforce.composite import Reply, Sub, replies, request_body
from connectors.salesforce.errors import VendorError, classified, setup_fault, stated
from connectors.salesforce.quota import budget_of
from domain.errors import KidgloveError, RateLimited, Transient, Unauthorized

T = TypeVar("T")
Row = Mapping[str, Any]

API_VERSION = "67.0"
"""Summer '26: pinned, because the library's own default lags by years and versions differ."""
CLIENT_TAG = "kidglove"
"""Names us in the org's change origin, so that an admin sees which changes are ours."""
RENEWALS = 3
"""Tokens that are tried after a refused one: another worker's newer one may be stale as well."""
DESCRIBED_FOR = timedelta(hours=1)
"""A describe is half a megabyte; a new field may wait an hour, or for the next start."""

_HEADERS = {"Sforce-Call-Options": f"client={CLIENT_TAG}"}


@dataclass(frozen=True)
class _Refusal:
    status: int
    errors: tuple[VendorError, ...]


@dataclass(frozen=True)
class _Call:
    kind: str
    path: str
    _: KW_ONLY
    what: str
    body: Mapping[str, Any] | None
    urgent: bool
    is_write: bool


class Gateway:
    """Calls one org as one integration user. One per process or thread; holds a token, so it is
    never pickled.

    Every method raises the error class that says what happens next. A stale token is renewed once
    and the call repeated with the same headers; a second 401 is `Unauthorized`. Reads and writes
    under a key are repeated briefly when the vendor is unwell.
    """

    def __init__(
        self,
        tokens: TokenProvider,
        *,
        instance_url: str,
        session: requests.Session,
        limiter: Limiter,
        now: Callable[[], datetime],
        retry: Retry | None = None,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.last_request_id: str | None = None
        self._tokens = tokens
        self._instance_url = instance_url.rstrip("/")
        self._session = session
        self._limiter = limiter
        self._now = now
        self.retry = retry or Retry()
        self._client: tuple[str, Salesforce] | None = None
        self._described: dict[str, tuple[datetime, Row]] = {}
        # VENDOR: the library keeps quota headers only for half of its methods (handbook 1.6).
        session.hooks["response"].append(self._heard)

    def __reduce__(self) -> str:
        raise TypeError("a gateway holds a token and is never pickled")

    @property
    def user_id(self) -> str | None:
        """The integration user's id, as the last login told it; None before."""
        identity = self._tokens.token().identity
        return identity.rsplit("/", 1)[-1] or None

    def query(
        self, soql: str, *, what: str, all_rows: bool = False, urgent: bool = False
    ) -> list[Row]:
        """Every row of a query, all pages; `all_rows` includes deleted and archived records.

        `what` names the records in our words, for error messages. Each page is one call.
        """

        def ask() -> list[Row]:
            path = ("queryAll/?" if all_rows else "query/?") + urlencode({"q": soql})
            return self._rest(self._call("query", path, what=what, urgent=urgent), what, urgent)

        return self.retry(ask, is_repeatable=True)

    def children(self, row: Row, relationship: str, *, what: str) -> list[Row]:
        """The rows of a child subquery, further pages fetched; empty when there are none."""
        page = row.get(relationship)
        return self._rest(page, what, False) if isinstance(page, Mapping) else []

    def composite(
        self, subs: Sequence[Sub], *, what: str, urgent: bool = False
    ) -> dict[str, Reply]:
        """Carry out up to 25 subrequests in one call, each its own transaction, in their order.

        Answers by reference. A subrequest's refusal is its own answer. Not repeated here: the
        writer repeats what is still to be done.
        """
        body = request_body(subs, API_VERSION, _HEADERS)
        said = self._call(
            "composite",
            "composite",
            what=what,
            body=body,
            urgent=urgent,
            is_write=any(sub.body is not None for sub in subs),
        )
        return replies(said, subs)

    def describe(self, entity: str) -> Row:
        """The describe of an object, kept for an hour. `Gone` if it does not exist for us."""
        kept = self._described.get(entity)
        if kept is not None and self._now() - kept[0] < DESCRIBED_FOR:
            return kept[1]
        path = f"sobjects/{quote(entity)}/describe"
        said: Row = self.retry(
            # Rare, and a VIP's task may wait for it.
            lambda: self._call("describe", path, what=f"object {entity}", urgent=True),
            is_repeatable=True,
        )
        self._described[entity] = (self._now(), said)
        return said

    def row(self, entity: str, id: str, fields: Iterable[str], *, what: str) -> Row:
        """Some fields of one record. `Gone` if it does not exist."""
        path = f"sobjects/{entity}/{id}?" + urlencode({"fields": ",".join(fields)})
        said: Row = self.retry(
            lambda: self._call("row", path, what=what, urgent=True), is_repeatable=True
        )
        return said

    def create(self, entity: str, values: Mapping[str, Any], *, what: str) -> str:
        """Make a record and give its id. Never repeated here: it carries no key in its address."""
        said = self._call(
            "create", f"sobjects/{entity}", what=what, body=dict(values), is_write=True
        )
        return str(said["id"])

    def limits(self) -> Row:
        """The org's limits, a few minutes behind."""
        said: Row = self.retry(
            lambda: self._call("limits", "limits", what="limits"), is_repeatable=True
        )
        return said

    def versions(self) -> list[str]:
        """The API versions that the instance serves; needs no permission."""
        said = self.retry(
            lambda: self._call("versions", "/services/data", what="versions"), is_repeatable=True
        )
        return [str(one.get("version")) for one in said or []]

    def userinfo(self) -> Row:
        """Who we are: user_id, organization_id, zone and locale."""
        said: Row = self.retry(
            lambda: self._call("userinfo", "/services/oauth2/userinfo", what="userinfo"),
            is_repeatable=True,
        )
        return said

    def _rest(self, page: Any, what: str, urgent: bool) -> list[Row]:
        rows: list[Row] = []
        while True:
            if not isinstance(page, Mapping):
                raise Transient(f"Salesforce sent no rows for {what}")
            rows.extend(page.get("records") or [])
            further = page.get("nextRecordsUrl")
            if page.get("done", True) or not isinstance(further, str):
                return rows
            page = self._call("query", further, what=what, urgent=urgent)

    def _call(
        self,
        kind: str,
        path: str,
        *,
        what: str,
        body: Mapping[str, Any] | None = None,
        urgent: bool = False,
        is_write: bool = False,
    ) -> Any:
        call = _Call(kind, path, what=what, body=body, urgent=urgent, is_write=is_write)
        token = self._tokens.token()
        answer = self._once(token, call)
        for _ in range(RENEWALS):
            if not (isinstance(answer, _Refusal) and answer.status == 401):
                break
            if (fault := setup_fault(answer.errors)) is not None:
                raise fault
            token = self._tokens.refresh(token.value)
            answer = self._once(token, call)
            if not token.was_shared:
                break
        if isinstance(answer, _Refusal):
            raise self._problem(answer, call)
        return answer

    def _problem(self, refusal: _Refusal, call: _Call) -> KidgloveError:
        problem = classified(
            refusal.status, refusal.errors, record=call.what, is_write=call.is_write
        )
        if isinstance(problem, RateLimited) and problem.after is not None:
            self._limiter.pause(problem.after)
        if isinstance(problem, Unauthorized):
            return Unauthorized(
                f"{problem.message}, also with a new token",
                remedy="Check that the integration user is active and may use the API, then run "
                "`kidglove doctor`.",
            )
        return problem

    def _once(self, token: Token, call: _Call) -> Any:
        client = self._client_for(token)
        with self._limiter.slot(call.urgent):
            self.calls[call.kind] += 1
            try:
                if call.path.startswith("/"):
                    return client.query_more(call.path, identifier_is_url=True, headers=_HEADERS)
                if call.body is None:
                    return client.restful(call.path, headers=_HEADERS)
                text = json.dumps(call.body, default=_json_value)
                return client.restful(call.path, method="POST", data=text, headers=_HEADERS)
            except SalesforceError as refusal:
                # Its own text repeats the reply: it must not become the cause of anything.
                return _Refusal(refusal.status, stated(refusal.content))
            except requests.RequestException as problem:
                failure = transport_error(
                    problem, call=f"{call.kind} ({call.what})", is_write=call.is_write
                )
        raise failure

    def _client_for(self, token: Token) -> Salesforce:
        if self._client is None or self._client[0] != token.value:
            # VENDOR: only this "direct" mode answers a 401 after one request; the login modes
            # repeat it until the stack is full (simple-salesforce issue 804).
            client = Salesforce(
                session_id=token.value,
                instance_url=self._instance_url,
                session=self._session,
                version=API_VERSION,
                parse_float=Decimal,
                object_pairs_hook=dict,
            )
            client.headers.pop("X-PrettyPrint", None)
            self._client = (token.value, client)
        return self._client[1]

    def _heard(self, reply: requests.Response, *_: Any, **__: Any) -> None:
        self.last_request_id = reply.headers.get("x-sfdc-request-id", self.last_request_id)
        budget = budget_of(reply.headers.get("Sforce-Limit-Info", ""))
        if budget is not None:
            self._limiter.report(used=budget.used, limit=budget.usable)


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"a {type(value).__name__} cannot be sent")
