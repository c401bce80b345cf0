"""A door that takes whatever a simulated vendor posts, and keeps it as it came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.wire import LoopbackServer


@dataclass(frozen=True, kw_only=True)
class Caught:
    """One POST."""

    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def catch(post: Callable[[str], None], *, answer: bytes = b"{}") -> list[Caught]:
    """What arrives while `post` runs with the address of the door; each is answered 200."""
    caught: list[Caught] = []

    async def take(request: Request) -> Response:
        caught.append(
            Caught(
                path=request.url.path,
                query=request.url.query,
                headers={name.lower(): value for name, value in request.headers.items()},
                body=await request.body(),
            )
        )
        return Response(answer)

    with LoopbackServer(Starlette(routes=[Route("/{rest:path}", take, methods=["POST"])])) as door:
        post(door.url)
    return caught
