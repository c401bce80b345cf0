"""A small closed-loop HTTP load: so many connections, each sending its next request at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """One round: answered requests per second and latencies in milliseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float
    failed: int


async def _connection(
    host: str, port: int, requests: Sequence[bytes], latencies: list[float]
) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    failed = 0
    for request in requests:
        started = time.perf_counter()
        writer.write(request)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if length:
            await reader.readexactly(length)
        latencies.append(time.perf_counter() - started)
        if head[9:10] != b"2":
            failed += 1
    writer.close()
    return failed


async def _round(host: str, port: int, requests: Sequence[bytes], connections: int) -> Measured:
    latencies: list[float] = []
    started = time.perf_counter()
    failed = await asyncio.gather(
        *(
            _connection(host, port, requests[place::connections], latencies)
            for place in range(connections)
        )
    )
    took = time.perf_counter() - started
    latencies.sort()
    return Measured(
        per_second=round(len(latencies) / took, 1),
        p50_ms=round(latencies[len(latencies) // 2] * 1000, 2),
        p99_ms=round(latencies[int(len(latencies) * 0.99)] * 1000, 2),
        failed=sum(failed),
    )


def drive(host: str, port: int, requests: Sequence[bytes], *, connections: int = 16) -> Measured:
    """Send every request once over so many keep-alive connections."""
    return asyncio.run(_round(host, port, requests, connections))


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """One HTTP/1.1 request as bytes."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
