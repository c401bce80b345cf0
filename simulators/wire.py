"""Serve a Starlette app of a simulated vendor on loopback, from a thread, and stop it again."""

from __future__ import annotations

import socket
import struct
import threading
import time
from typing import Any

import uvicorn


class LoopbackServer:
    """One app on 127.0.0.1; port 0 picks a free one. `url` is known before `start` returns.

    An app that answers with its own Date says `dates=False`, else the machine's would stand there.
    """

    def __init__(self, app: Any, port: int = 0, *, dates: bool = True) -> None:
        # The protocol is named because asyncio sets TCP_NODELAY only then: without it every answer
        # waits 40 ms for the client's delayed acknowledgement.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self._socket.listen(128)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            app,
            log_level="error",
            lifespan="off",
            access_log=False,
            timeout_graceful_shutdown=1,
            date_header=dates,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )

    def start(self) -> LoopbackServer:
        """Start serving; returns once requests are answered. RuntimeError after 10 s."""
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError(f"the simulator on {self.url} did not start")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Stop serving and wait for the thread."""
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()

    def __enter__(self) -> LoopbackServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def hang_up(receive: Any, *, reset: bool = False) -> None:
    """Close the connection of a request under way without an answer; `reset` sends a TCP RST.

    `receive` is the ASGI receive callable of that request, as the server handed it over.
    """
    transport = receive.__self__.transport
    if reset:
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
    transport.abort()
