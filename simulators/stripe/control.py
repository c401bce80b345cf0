"""The control API under /_sim: clock, faults, delivery, state, and the verbs, as JSON."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.faults import Fault, Harm
from simulators.stripe.errors import ApiError
from simulators.stripe.verbs import Verbs

if TYPE_CHECKING:
    from simulators.stripe.sim import StripeSim

Handle = Callable[["StripeSim", dict[str, Any]], Any]


def control_routes(sim: StripeSim) -> list[Route]:
    """Every control path; a wrong argument answers 400 with the reason."""
    return [
        _route(sim, "/_sim/", {"GET": _verbs}),
        _route(sim, "/_sim/clock", {"GET": _clock}),
        _route(sim, "/_sim/clock/advance", {"POST": _advance}),
        _route(sim, "/_sim/clock/rate", {"POST": _rate}),
        _route(sim, "/_sim/faults", {"GET": _faults, "POST": _arm, "DELETE": _disarm}),
        _route(sim, "/_sim/delivery", {"GET": _delivery, "POST": _set_delivery}),
        _route(sim, "/_sim/delivery/flush", {"POST": lambda one, _: one.postman.flush()}),
        _route(sim, "/_sim/behaviour", {"GET": _behaviour, "POST": _set_behaviour}),
        _route(sim, "/_sim/limits", {"GET": _limits, "POST": _set_limits}),
        _route(sim, "/_sim/state", {"GET": _state}),
        _route(sim, "/_sim/mails", {"GET": _mails}),
        _route(sim, "/_sim/requests", {"GET": _requests, "DELETE": _forget}),
        _route(sim, "/_sim/do/{verb}", {"POST": _do}),
    ]


def _route(sim: StripeSim, path: str, handles: dict[str, Handle]) -> Route:
    async def answer(request: Request) -> Response:
        fields: dict[str, Any] = {**request.query_params, **request.path_params}
        if request.method == "POST" and await request.body():
            fields.update(await request.json())
        try:
            result = await run_in_threadpool(handles[request.method], sim, fields)
        except ApiError as error:
            return JSONResponse({"error": error.error}, status_code=400)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            text = f"{type(error).__name__}: {error}"
            return JSONResponse({"error": {"message": text}}, status_code=400)
        return JSONResponse(_plain(result))

    return Route(path, answer, methods=list(handles))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            one.name: _plain(getattr(value, one.name))
            for one in dataclasses.fields(value)
            if not one.name.startswith("_")
        }
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


def _public_verbs() -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(verb)
        for name, verb in inspect.getmembers(Verbs, inspect.isfunction)
        if not name.startswith("_")
    }


def _verbs(sim: StripeSim, fields: dict[str, Any]) -> Any:
    return {
        name: str(signature).replace("(self, ", "(") for name, signature in _public_verbs().items()
    }


def _do(sim: StripeSim, fields: dict[str, Any]) -> Any:
    name = str(fields.pop("verb"))
    signature = _public_verbs().get(name)
    if signature is None:
        raise ValueError(f"no verb {name!r}: GET /_sim/ lists them")
    for given, value in fields.items():
        known = signature.parameters.get(given)
        if known is not None and "timedelta" in str(known.annotation) and value is not None:
            fields[given] = timedelta(seconds=float(value))
    return getattr(sim, name)(**fields)


def _clock(sim: StripeSim, fields: dict[str, Any]) -> Any:
    due = sim.clock.next_due()
    return {
        "now": sim.clock.now(),
        "seconds": sim.clock.seconds(),
        "rate": sim.clock.rate,
        "next_due": due,
    }


def _advance(sim: StripeSim, fields: dict[str, Any]) -> Any:
    if "to" in fields:
        sim.clock.advance_to(datetime.fromisoformat(fields["to"]))
    else:
        sim.clock.advance(timedelta(**{name: float(value) for name, value in fields.items()}))
    return _clock(sim, fields)


def _rate(sim: StripeSim, fields: dict[str, Any]) -> Any:
    sim.clock.set_rate(float(fields["rate"]))
    return _clock(sim, fields)


def _faults(sim: StripeSim, fields: dict[str, Any]) -> Any:
    return sim.faults.armed()


def _arm(sim: StripeSim, fields: dict[str, Any]) -> Any:
    fields["harm"] = Harm(fields["harm"])
    sim.faults.arm(Fault(**fields))
    return sim.faults.armed()


def _disarm(sim: StripeSim, fields: dict[str, Any]) -> Any:
    sim.faults.clear()
    return []


def _delivery(sim: StripeSim, fields: dict[str, Any]) -> Any:
    return sim.postman.dial


def _set_delivery(sim: StripeSim, fields: dict[str, Any]) -> Any:
    _turn(sim.postman.dial, fields)
    return sim.postman.dial


def _behaviour(sim: StripeSim, fields: dict[str, Any]) -> Any:
    return sim.behaviour


def _set_behaviour(sim: StripeSim, fields: dict[str, Any]) -> Any:
    _turn(sim.behaviour, fields)
    return sim.behaviour


def _limits(sim: StripeSim, fields: dict[str, Any]) -> Any:
    return sim.limits


def _set_limits(sim: StripeSim, fields: dict[str, Any]) -> Any:
    _turn(sim.limits, fields)
    return sim.limits


def _turn(target: Any, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        now = getattr(target, name)
        if isinstance(now, timedelta):
            value = timedelta(seconds=float(value))
        elif isinstance(now, tuple):
            value = tuple(value)
        setattr(target, name, value)


def _state(sim: StripeSim, fields: dict[str, Any]) -> Any:
    return sim.state(volatile=fields.get("volatile", "true") != "false")


def _mails(sim: StripeSim, fields: dict[str, Any]) -> Any:
    return list(sim.mailer.sent)


def _requests(sim: StripeSim, fields: dict[str, Any]) -> Any:
    return list(sim.requests)


def _forget(sim: StripeSim, fields: dict[str, Any]) -> Any:
    sim.forget_requests()
    return []
