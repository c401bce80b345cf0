"""The API's front door: keys, limits, idempotency, faults, then the endpoint."""

from __future__ import annotations

import base64
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulators.faults import Fault, Harm
from simulators.stripe import endpoints, errors, idempotency, keys
from simulators.stripe.endpoints import Desk, Endpoint
from simulators.stripe.errors import ApiError
from simulators.stripe.expand import expand
from simulators.stripe.forms import Params, refuse_unknown
from simulators.stripe.idempotency import Answer
from simulators.stripe.limits import Limits
from simulators.stripe.portal import Portal
from simulators.stripe.shapes import API_VERSION
from simulators.stripe.webhooks import Hooks
from simulators.stripe.world import Cause, World


@dataclass(frozen=True)
class Seen:
    """One API call as it arrived, and the status it was answered with (0: no answer left)."""

    at: datetime
    method: str
    path: str
    params: Params
    idempotency_key: str | None
    status: int


@dataclass
class Call:
    """One request under way."""

    method: str
    path: str
    params: Params
    headers: Mapping[str, str]
    request: str = ""
    endpoint: Endpoint | None = None
    ids: tuple[str, ...] = ()
    after: Callable[[], None] | None = None

    @property
    def key(self) -> str | None:
        """The idempotency key, which only counts on POST."""
        return self.headers.get("idempotency-key") if self.method == "POST" else None


class Front:
    """Answers calls. `admit` may answer at once; otherwise `act` carries the call out."""

    def __init__(self, world: World, hooks: Hooks, portal: Portal) -> None:
        self.world = world
        self.hooks = hooks
        self.portal = portal
        self.keys = keys.default_keys()
        self.limits = Limits()
        self.seen: list[Seen] = []
        self.idempotency = idempotency.Keys()
        self._requests = 0

    def admit(self, call: Call) -> Answer | None:
        """The answer if the call ends at the door: no key, a limit, a replay, a twin."""
        with self.world.lock:
            call.request = self.new_request()
            try:
                key = self._known_key(call)
                call.endpoint, call.ids = endpoints.route(call.method, call.path)
                if not key.may(call.endpoint.permission):
                    raise keys.forbidden(key, call.endpoint.permission or "")
                self.limits.take(call.endpoint, self.world.now())
                if call.key is not None:
                    replay = self.idempotency.claim(
                        call.key,
                        call.path,
                        call.params,
                        now=self.world.now(),
                        request=call.request,
                    )
                    if replay is not None:
                        return self._finished(call, replay)
            except ApiError as error:
                return self._finished(call, self._refusal(error))
            return None

    def answer(self, call: Call, fault: Fault | None) -> Answer:
        """Both at once."""
        return self.admit(call) or self.act(call, fault)

    def act(self, call: Call, fault: Fault | None) -> Answer:
        """Carry the call out, unless the fault prevents that; keep the result under its key."""
        with self.world.lock:
            before = _harm_before(fault)
            answer, stored = self._refused(before) if before else self._carry_out(call)
            if fault is not None and fault.harm is Harm.STATUS_AFTER:
                lost = answer
                answer, stored_fault = self._refused(_vendor_shape(fault))
                # VENDOR: Stripe's own 500 is the stored result; what a proxy says is not.
                if call.key is not None and not stored_fault:
                    self._keep(call, lost, stored)
                else:
                    self._keep(call, answer, stored_fault)
            else:
                self._keep(call, answer, stored)
            if fault is not None:
                answer.headers.update(fault.headers)
            return self._finished(call, answer)

    def note(self, call: Call, status: int) -> None:
        """Write a call into the log; `status` 0 when the connection broke."""
        with self.world.lock:
            self.seen.append(
                Seen(self.world.clock.now(), call.method, call.path, call.params, call.key, status)
            )

    def keys_running(self) -> list[str]:
        """Idempotency keys whose request is being carried out now."""
        with self.world.lock:
            return self.idempotency.running()

    def new_request(self) -> str:
        """The next request id; not part of the world's numbering."""
        self._requests += 1
        return f"req_{self.world.seed}Sim{self._requests:010d}"

    def _known_key(self, call: Call) -> keys.Key:
        scheme, _, rest = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            rest = base64.b64decode(rest).decode().partition(":")[0]
        elif scheme.lower() != "bearer":
            raise keys.unauthorized(None)
        key = self.keys.get(rest.strip())
        if key is None:
            raise keys.unauthorized(rest.strip())
        return key

    def _carry_out(self, call: Call) -> tuple[Answer, bool]:
        endpoint = call.endpoint
        if endpoint is None:
            raise LookupError("act before admit")
        try:
            refuse_unknown(call.params, endpoint.allowed)
            with self.world.caused_by(Cause(call.request, call.key)):
                desk = Desk(self.world, self.hooks, self.portal, call.ids, call.params)
                body = endpoint.call(desk)
                call.after = desk.after
                return _json(200, expand(self.world, body, call.params.get("expand"))), True
        except ApiError as error:
            return self._refusal(error), error.stored
        except Exception:  # noqa: BLE001 - reason: a bug of ours must reach the test
            text = traceback.format_exc()
            print(text, file=sys.stderr)
            return self._refused(ApiError(500, f"simulator bug: {text}", type="api_error"))

    def _refused(self, error: ApiError) -> tuple[Answer, bool]:
        return self._refusal(error), error.stored

    def _refusal(self, error: ApiError) -> Answer:
        answer = _json(error.status, {"error": error.error})
        answer.headers.update(error.headers)
        return answer

    def _keep(self, call: Call, answer: Answer, stored: bool) -> None:
        if call.key is None:
            return
        if stored:
            self.idempotency.keep(call.key, answer)
        else:
            self.idempotency.forget(call.key)

    def _finished(self, call: Call, answer: Answer) -> Answer:
        headers = {
            "Content-Type": "application/json",
            "Request-Id": call.request,
            "Stripe-Version": call.headers.get("stripe-version", API_VERSION),
            **answer.headers,
        }
        if call.key is not None:
            headers["Idempotency-Key"] = call.key
        return Answer(answer.status, answer.body, headers)


def _json(status: int, body: Any) -> Answer:
    return Answer(status, json.dumps(body).encode())


def _harm_before(fault: Fault | None) -> ApiError | None:
    if fault is None:
        return None
    if fault.harm is Harm.STATUS:
        return _vendor_shape(fault)
    if fault.harm is not Harm.VENDOR:
        return None
    body = fault.body or {}
    match body.get("name"):
        case "lock_timeout":
            return errors.locked()
        case "rate_limit":
            return errors.rate_limited(body.get("reason", "global-rate"))
        case "concurrent_twin":
            return idempotency.twin("simulated")
        case name:
            known = "lock_timeout, rate_limit, concurrent_twin"
            return ApiError(500, f"simulator: no vendor fault {name!r}, only {known}")


_TYPES = {402: "card_error", 400: "invalid_request_error", 409: "idempotency_error"}


def _vendor_shape(fault: Fault) -> ApiError:
    kind = _TYPES.get(fault.status, "api_error" if fault.status >= 500 else "invalid_request_error")
    message = "An unknown error occurred" if fault.status >= 500 else "The simulator was told so."
    error = ApiError(fault.status, message, type=kind, stored=fault.status in (402, 500))
    if isinstance(fault.body, dict):
        error.error = fault.body.get("error", fault.body)
    return error
