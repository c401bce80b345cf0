"""Outgoing webhooks of a simulated vendor: signed, and as unreliable as the dial says."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import requests

from simulators.clock import SimClock


@dataclass
class DeliveryDial:
    """How badly hooks travel. Shares are 0..1; `delay_seconds` is the largest random delay."""

    loss: float = 0.0
    duplicates: float = 0.0
    copies: int = 1
    shuffle: bool = False
    delay_seconds: float = 0.0
    held: bool = False


@dataclass(frozen=True)
class Post:
    """One delivery to make: `make` signs at send time, because signatures carry a time.

    `make` returns None when there is nobody left to deliver to; the post is then dropped.
    """

    id: str
    url: str
    make: Callable[[], tuple[bytes, Mapping[str, str]] | None]
    accepted: Callable[[int, bytes], bool]
    tries: int = 0


class Postman:
    """Delivers posts. `flush` sends what is due on the caller's thread; `run` does so for ever.

    A refused delivery is tried again on the virtual clock after `retry_after[tries]`, and given
    up when that list ends, like the vendor does.
    """

    def __init__(
        self, clock: SimClock, *, retry_after: tuple[timedelta, ...], seed: int = 0
    ) -> None:
        self.dial = DeliveryDial()
        self.delivered: list[str] = []
        self.dropped: list[str] = []
        self._clock = clock
        self._retry_after = retry_after
        self._random = random.Random(seed)
        self._lock = threading.RLock()
        self._ready: list[Post] = []
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._session = requests.Session()
        self._busy = 0

    def send(self, post: Post) -> None:
        """Queue a post; the dial decides whether, how often and when it travels."""
        with self._lock:
            if self._random.random() < self.dial.loss:
                self.dropped.append(post.id)
                return
            copies = self.dial.copies
            if self._random.random() < self.dial.duplicates:
                copies += 1
            for _ in range(copies):
                if self.dial.delay_seconds:
                    delay = timedelta(seconds=self._random.uniform(0, self.dial.delay_seconds))
                    self._clock.after(delay, lambda: self._queue(post))
                else:
                    self._queue(post)

    def flush(self) -> int:
        """Deliver everything queued now; returns how many requests were made."""
        made = 0
        while True:
            with self._lock:
                if self.dial.held or not self._ready:
                    return made
                place = self._random.randrange(len(self._ready)) if self.dial.shuffle else 0
                post = self._ready.pop(place)
                self._busy += 1
            try:
                self._deliver(post)
            finally:
                with self._lock:
                    self._busy -= 1
            made += 1

    def idle(self) -> bool:
        """True when nothing is queued or under way."""
        with self._lock:
            return not self._busy and (self.dial.held or not self._ready)

    def run(self) -> None:
        """Deliver from a background thread until `stop`."""
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the background thread; what is queued stays queued."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _loop(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(0.2)
            self._wake.clear()
            self.flush()

    def _queue(self, post: Post) -> None:
        with self._lock:
            self._ready.append(post)
        self._wake.set()

    def _deliver(self, post: Post) -> None:
        made = post.make()
        if made is None:
            with self._lock:
                self.dropped.append(post.id)
            return
        body, headers = made
        try:
            answer = self._session.post(
                post.url, data=body, headers=dict(headers), timeout=10, allow_redirects=False
            )
            taken = post.accepted(answer.status_code, answer.content)
        except requests.RequestException:
            taken = False
        if taken:
            with self._lock:
                self.delivered.append(post.id)
        elif post.tries < len(self._retry_after):
            again = Post(post.id, post.url, post.make, post.accepted, post.tries + 1)
            self._clock.after(self._retry_after[post.tries], lambda: self._queue(again))
        else:
            with self._lock:
                self.dropped.append(post.id)
