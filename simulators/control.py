"""A CRM simulator's control API under `/_sim`: clock, faults, delivery, state, requests, verbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.clock import SimClock
from simulators.faults import Fault, FaultDial, Harm
from simulators.hooks import DeliveryDial, Postman

Verb = Callable[..., Any]


class Controlled(Protocol):
    """What the control API needs of the simulator."""

    clock: SimClock
    faults: FaultDial

    @property
    def postman(self) -> Postman: ...
    @property
    def requests(self) -> Sequence[Any]: ...
    def forget_requests(self) -> None: ...
    def state(self, *, volatile: bool = True) -> dict[str, Any]: ...
    def verbs(self) -> Mapping[str, Verb]: ...
    def credentials(self) -> dict[str, str]: ...


def control_app(
    sim: Controlled, *, check: Callable[[Fault], object], refusal: type[Exception]
) -> Starlette:
    """The Starlette app to mount in front of the vendor.

    `check` raises ValueError for a VENDOR fault that this vendor does not know, and `refusal` is
    what the vendor's own rules raise against a verb: both are answered with 400.
    """

    async def clock(request: Request) -> Response:
        if request.method == "POST":
            asked = await request.json()
            await run_in_threadpool(_move, sim.clock, asked)
        due = sim.clock.next_due()
        now = sim.clock.now().isoformat()
        return JSONResponse({"now": now, "next_due": None if due is None else due.isoformat()})

    async def faults(request: Request) -> Response:
        if request.method == "POST":
            asked = await request.json()
            for one in asked if isinstance(asked, list) else [asked]:
                fault = Fault(**{**one, "harm": Harm(one["harm"])})
                if fault.harm is Harm.VENDOR:
                    check(fault)
                sim.faults.arm(fault)
        if request.method == "DELETE":
            sim.faults.clear()
        return JSONResponse([asdict(one) for one in sim.faults.armed()])

    async def delivery(request: Request) -> Response:
        if request.method == "POST":
            known = {one.name for one in fields(DeliveryDial)}
            for name, value in (await request.json()).items():
                if name not in known:
                    raise ValueError(f"the delivery dial has no {name}; known: {sorted(known)}")
                setattr(sim.postman.dial, name, value)
        return JSONResponse(asdict(sim.postman.dial))

    async def flush(request: Request) -> Response:
        return JSONResponse({"made": await run_in_threadpool(sim.postman.flush)})

    async def state(request: Request) -> Response:
        volatile = request.query_params.get("volatile", "true").lower() not in ("0", "false")
        return JSONResponse(await run_in_threadpool(lambda: sim.state(volatile=volatile)))

    async def seen(request: Request) -> Response:
        if request.method == "DELETE":
            sim.forget_requests()
        shown = [{**asdict(one), "at": one.at.isoformat()} for one in sim.requests]
        return JSONResponse(shown)

    async def credentials(request: Request) -> Response:
        return JSONResponse(sim.credentials())

    async def do(request: Request) -> Response:
        verb = sim.verbs().get(request.path_params["verb"])
        if verb is None:
            return JSONResponse({"error": f"known verbs: {sorted(sim.verbs())}"}, 404)
        body = await request.body()
        kwargs = await request.json() if body else {}
        result = await run_in_threadpool(lambda: verb(**kwargs))
        return JSONResponse({"result": result})

    async def trouble(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)

    both = ["GET", "POST"]
    return Starlette(
        routes=[
            Route("/_sim/clock", clock, methods=both),
            Route("/_sim/faults", faults, methods=[*both, "DELETE"]),
            Route("/_sim/delivery", delivery, methods=both),
            Route("/_sim/flush", flush, methods=["POST"]),
            Route("/_sim/state", state),
            Route("/_sim/requests", seen, methods=["GET", "DELETE"]),
            Route("/_sim/credentials", credentials),
            Route("/_sim/do/{verb}", do, methods=["POST"]),
        ],
        exception_handlers=dict.fromkeys((refusal, ValueError, KeyError, TypeError), trouble),
    )


def _move(clock: SimClock, asked: Mapping[str, Any]) -> None:
    if "rate" in asked:
        clock.set_rate(float(asked["rate"]))
    if "to" in asked:
        clock.advance_to(datetime.fromisoformat(asked["to"]))
    if "advance_seconds" in asked:
        clock.advance(timedelta(seconds=float(asked["advance_seconds"])))
