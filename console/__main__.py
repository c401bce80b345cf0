"""The console as a process of its own: `python -m console`."""

from __future__ import annotations

import secrets
import socket
import sys

import uvicorn

from console.app import Console
from console.people import refusal
from domain.wording import count
from jobs.runtime import Runtime
from jobs.telemetry import configure_logging
from settings import Settings

HOST = "127.0.0.1"
"""Never another: whoever is far away comes through a tunnel or a proxy that knows them."""
DRAIN_SECONDS = 5
"""How long pages under way may take at the end."""


def run(settings: Settings) -> int:
    """Serve until a polite signal. 0 then; 1 if the port is taken; 2 for settings that cannot
    work."""
    configure_logging(settings.log_level)
    if not settings.database_url or not settings.redis_url:
        return _misuse(
            "DATABASE_URL and REDIS_URL are needed; `kidglove up` brings its own servers"
        )
    problem = refusal(settings)
    if problem is not None:
        return _misuse(problem)
    try:
        bound = _listen(settings.console_port)
    except OSError as taken:
        sys.stderr.write(f"{HOST}:{settings.console_port} cannot be opened: {taken}\n")
        return 1
    runtime = Runtime(settings, database_url=settings.database_url, redis_url=settings.redis_url)
    chosen, told = _shared_token(settings)
    # To standard error: standard output belongs to whoever reads JSON from `kidglove up`.
    sys.stderr.write(f"console on http://{HOST}:{settings.console_port}, {told}\n")
    sys.stderr.flush()
    console = Console(runtime, token=chosen)
    server = uvicorn.Server(
        uvicorn.Config(
            console.app(),
            access_log=False,
            log_level="warning",
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    )
    try:
        server.run(sockets=[bound])
    finally:
        console.close()
        runtime.close()
    return 0


def _shared_token(settings: Settings) -> tuple[str, str]:
    """The token that several admins share, and what is said of it; empty if each has their own."""
    token = settings.console_token.get_secret_value()
    if token:
        return token, "token from KIDGLOVE_CONSOLE_TOKEN"
    if settings.console_people:
        return "", f"for {count(len(settings.console_people), 'person', 'people')} by their tokens"
    chosen = secrets.token_urlsafe(24)
    return chosen, f"token until it ends: {chosen}"


def _listen(port: int) -> socket.socket:
    # asyncio switches Nagle's delay off only for sockets that name their protocol.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
    except OSError:
        bound.close()
        raise
    return bound


def _misuse(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 2


if __name__ == "__main__":
    sys.exit(run(Settings()))
