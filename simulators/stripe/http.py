"""The Starlette application: Stripe's API under /v1, the control API under /_sim."""

from __future__ import annotations

import asyncio
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulators.faults import Harm
from simulators.stripe.control import control_routes
from simulators.stripe.errors import ApiError
from simulators.stripe.forms import parse_form
from simulators.stripe.front import Call
from simulators.stripe.pages import page_routes
from simulators.wire import hang_up

if TYPE_CHECKING:
    from simulators.stripe.sim import StripeSim

PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1><hr>proxy</body></html>"


class Api:
    """Stripe's API as an ASGI application."""

    def __init__(self, sim: StripeSim) -> None:
        self._sim = sim

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        text = (await request.body()).decode() if request.method == "POST" else ""
        call = Call(
            request.method,
            unquote(request.url.path),
            {},
            {name.lower(): value for name, value in request.headers.items()},
        )
        try:
            call.params = parse_form(text or request.url.query)
        except ApiError as error:
            answer: Any = Response(str(error), status_code=error.status)
            await answer(scope, receive, send)
            return
        answered = await self._answer(call, receive)
        if answered is not None:
            await answered(scope, receive, send)
        if call.after is not None:
            await run_in_threadpool(call.after)

    async def _answer(self, call: Call, receive: Any) -> Response | None:
        sim = self._sim
        fault = sim.faults.draw(call.method, call.path)
        harm = fault.harm if fault is not None else None
        if fault is not None and harm in (Harm.TIMEOUT_BEFORE, Harm.RESET_BEFORE):
            await asyncio.sleep(fault.seconds)
            sim.front.note(call, 0)
            hang_up(receive, reset=harm is Harm.RESET_BEFORE)
            return None
        if fault is not None and harm is Harm.HTML:
            sim.front.note(call, fault.status)
            page = fault.body if isinstance(fault.body, str) else PAGE.format(fault.status)
            return HTMLResponse(page, status_code=fault.status, headers=dict(fault.headers))
        if fault is not None and harm is Harm.SLOW:
            answer = await run_in_threadpool(sim.front.admit, call)
            await asyncio.sleep(fault.seconds)
            if answer is None:
                answer = await run_in_threadpool(sim.front.act, call, fault)
        else:
            answer = await run_in_threadpool(sim.front.answer, call, fault)
        if fault is not None and harm in (Harm.TIMEOUT_AFTER, Harm.RESET_AFTER):
            await asyncio.sleep(fault.seconds)
            sim.front.note(call, 0)
            hang_up(receive, reset=harm is Harm.RESET_AFTER)
            return None
        sim.front.note(call, answer.status)
        date = format_datetime(sim.clock.now(), usegmt=True)
        return Response(
            answer.body, status_code=answer.status, headers={"Date": date, **answer.headers}
        )


def build_app(sim: StripeSim) -> Starlette:
    """The application of one simulated account."""
    api = Route("/v1/{rest:path}", endpoint=Api(sim), methods=None)
    return Starlette(routes=[*control_routes(sim), *page_routes(sim), api])
