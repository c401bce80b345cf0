"""The ASGI door: draws faults, hands requests to the service, hangs up when a fault says so."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from simulators.faults import Fault, FaultDial, Harm
from simulators.hubspot.calls import Reply
from simulators.hubspot.service import Request, Seen, Service, refused
from simulators.hubspot.troubles import Trouble, default_refusal, trouble_of
from simulators.wire import hang_up

_PAGE = "<html><head><title>Bad Gateway</title></head><body>Something went wrong.</body></html>"
_BEFORE = {Harm.TIMEOUT_BEFORE, Harm.RESET_BEFORE, Harm.STATUS, Harm.HTML}
_UNANSWERED = {Harm.TIMEOUT_BEFORE, Harm.TIMEOUT_AFTER, Harm.RESET_BEFORE, Harm.RESET_AFTER}
_RESETS = {Harm.RESET_BEFORE, Harm.RESET_AFTER}
_LONGEST_URI = 16_384


class Door:
    """An ASGI app: `/_sim/...` goes to `control`, the rest to the service."""

    def __init__(self, service: Service, faults: FaultDial, control: ASGIApp) -> None:
        self.requests: list[Seen] = []
        self._service = service
        self._faults = faults
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"].startswith("/_sim"):
            await self._control(scope, receive, send)
            return
        request = await _request(scope, receive)
        fault = self._faults.draw(request.method, request.path)
        reply = await self._answer(request, fault)
        if reply is None:
            hang_up(receive, reset=fault is not None and fault.harm in _RESETS)
            await receive()
            return
        await _response(request, reply)(scope, receive, send)

    async def _answer(self, request: Request, fault: Fault | None) -> Reply | None:
        if len(request.path) + len(request.query) > _LONGEST_URI:
            return self._note(request, Reply(414, _PAGE, {"Content-Type": "text/html"}))
        if fault is None:
            return await run_in_threadpool(self._act, request, None, None)
        if fault.harm in (Harm.SLOW, Harm.TIMEOUT_BEFORE):
            await asyncio.sleep(fault.seconds)
        if fault.harm in _BEFORE:
            reply = None if fault.harm in _UNANSWERED else _spoiled(fault)
            return self._note(request, reply)
        trouble = trouble_of(fault) if fault.harm is Harm.VENDOR else None
        reply = await run_in_threadpool(self._act, request, trouble, fault)
        if fault.harm is Harm.TIMEOUT_AFTER:
            await asyncio.sleep(fault.seconds)
        return reply

    def _act(self, request: Request, trouble: Trouble | None, fault: Fault | None) -> Reply | None:
        reply: Reply | None
        reply, seen = self._service.serve(request, trouble)
        if fault is not None and fault.harm is Harm.STATUS_AFTER:
            reply = _spoiled(fault)
        if fault is not None and fault.harm in _UNANSWERED:
            reply = None
        self.requests.append(replace(seen, status=0 if reply is None else reply.status))
        return reply

    def _note(self, request: Request, reply: Reply | None) -> Reply | None:
        self.requests.append(self._service.seen(request, 0 if reply is None else reply.status))
        return reply


async def _request(scope: Scope, receive: Receive) -> Request:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]}
    raw = scope.get("raw_path") or scope["path"].encode()
    return Request(
        scope["method"], raw.decode("ascii"), scope["query_string"].decode("latin-1"), headers, body
    )


def _spoiled(fault: Fault) -> Reply:
    if fault.harm is Harm.HTML:
        return Reply(fault.status, fault.body or _PAGE, {"Content-Type": "text/html"})
    if fault.body is not None:
        return Reply(fault.status, fault.body, fault.headers)
    reply = refused(default_refusal(fault.status), "00000000-0000-4000-8000-000000000000")
    return Reply(fault.status, reply.body, {**reply.headers, **fault.headers})


def _response(request: Request, reply: Reply) -> Response:
    headers = dict(reply.headers)
    kind = headers.pop("Content-Type", "application/json;charset=utf-8")
    if reply.body is None or request.method == "HEAD":
        return Response(status_code=reply.status, headers=headers)
    text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
    headers["Content-Type"] = kind
    return Response(text, status_code=reply.status, headers=headers)
