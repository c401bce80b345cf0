"""The servers under test: our edge, and the limit it is held against.

`python -m bench.server edge URL PORT SECRET` or `python -m bench.server limit URL PORT`.
The limit answers 204 after one `INSERT ... COMMIT` of the same body, and does nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import psycopg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ingress.app import Edge

POOL = 16
"""As many connections as the load has, so that the limit never waits for one."""


def limit_app(url: str) -> Starlette:
    """One insert, one commit, 204."""
    idle: list[psycopg.AsyncConnection] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        for _number in range(POOL):
            idle.append(await psycopg.AsyncConnection.connect(url, autocommit=True))
        yield

    async def insert(request: Request) -> Response:
        body = await request.body()
        connection = idle.pop()
        try:
            await connection.execute(
                "INSERT INTO bench_limit (body, at) VALUES (%s, %s)",
                (body, datetime.now(UTC)),
                prepare=True,
            )
        finally:
            idle.append(connection)
        return Response(status_code=204)

    return Starlette(
        routes=[Route("/webhooks/stripe", insert, methods=["POST"])], lifespan=lifespan
    )


def main(mode: str, url: str, port: int, secret: str = "") -> None:
    """Serve until killed."""
    if mode == "edge":
        app = Edge(
            database_url=url,
            clock=lambda: datetime.now(UTC),
            max_body_bytes=1_048_576,
            stripe_secrets=[secret],
        ).app()
    else:
        app = limit_app(url.replace("+psycopg", ""))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
