"""Events on their way to the endpoints: signed by our own HMAC, counted until taken."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from simulators.hooks import Post, Postman
from simulators.stripe import shapes
from simulators.stripe.versions import as_of
from simulators.stripe.world import Obj, World

RETRIES = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 300, 600, 720, 720, 720, 720, 384)
)
"""Three days, backing off. Stripe publishes no table; the sum is what counts."""

ROLL = timedelta(hours=24)
"""How long a rolled secret still signs beside the new one."""


def sign(secret: str, moment: int, body: bytes) -> str:
    """One `v1` signature."""
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


@dataclass
class Secrets:
    """The signing secrets of an endpoint, newest first, with the moment each one ends."""

    live: list[tuple[str, float | None]] = field(default_factory=list)

    def usable(self, moment: float) -> list[str]:
        return [secret for secret, end in self.live if end is None or moment < end]


class Hooks:
    """The endpoints of one account and what is owed to each."""

    def __init__(self, world: World, postman: Postman) -> None:
        self.world = world
        self.postman = postman
        self.secrets: dict[str, Secrets] = {}
        self.pending: dict[str, set[str]] = {}
        world.announce = self.announce

    def add(
        self, url: str, enabled_events: list[str], api_version: str | None, **more: object
    ) -> tuple[Obj, str]:
        """A new endpoint and its secret, which only this answer shows."""
        world = self.world
        endpoint = shapes.webhook_endpoint(
            world.new_id("we"),
            world.now(),
            url,
            enabled_events=enabled_events,
            api_version=api_version,
            **more,
        )
        world.put(endpoint)
        secret = self._fresh(endpoint["id"])
        self.secrets[endpoint["id"]] = Secrets([(secret, None)])
        return endpoint, secret

    def roll(self, endpoint: str, *, overlap: timedelta = ROLL) -> str:
        """A new secret; the old one signs too until `overlap` is over."""
        secret = self._fresh(endpoint)
        end = self.world.clock.seconds() + overlap.total_seconds()
        old = [
            (known, end if until is None else until) for known, until in self.secrets[endpoint].live
        ]
        self.secrets[endpoint].live = [(secret, None), *old]
        return secret

    def announce(self, event: Obj) -> None:
        """Queue an event for every endpoint that asked for its type."""
        for endpoint in list(self.world.newest_first("webhook_endpoint")):
            wanted = endpoint["enabled_events"]
            if endpoint["status"] == "enabled" and ("*" in wanted or event["type"] in wanted):
                self.pending.setdefault(event["id"], set()).add(endpoint["id"])
                event["pending_webhooks"] += 1
                self.send(event, endpoint["id"])

    def send(self, event: Obj, endpoint: str) -> None:
        """Hand one event to the postman; also the Dashboard's "resend"."""
        world = self.world
        url = world.get("webhook_endpoint", endpoint)["url"]

        def make() -> tuple[bytes, Mapping[str, str]] | None:
            with world.lock:
                target = world.find("webhook_endpoint", endpoint)
                if target is None or target["status"] != "enabled":
                    return None
                body = json.dumps(as_of(target["api_version"], event), indent=2).encode()
                return body, self._headers(endpoint, body)

        def accepted(status: int, content: bytes) -> bool:
            if not 200 <= status < 300:
                return False
            with world.lock:
                self._taken(event, endpoint)
            return True

        self.postman.send(Post(event["id"], url, make, accepted))

    def _headers(self, endpoint: str, body: bytes) -> dict[str, str]:
        moment = self.world.now()
        signatures = [
            f"v1={sign(secret, moment, body)}"
            for secret in self.secrets[endpoint].usable(self.world.clock.seconds())
        ]
        return {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": ",".join([f"t={moment}", *signatures]),
        }

    def _taken(self, event: Obj, endpoint: str) -> None:
        waiting = self.pending.get(event["id"], set())
        waiting.discard(endpoint)
        event["pending_webhooks"] = len(waiting)
        if event["type"] == "invoice.created" and not waiting:
            invoice = self.world.find("invoice", event["data"]["object"]["id"])
            if invoice is not None and invoice["webhooks_delivered_at"] is None:
                invoice["webhooks_delivered_at"] = self.world.now()

    def _fresh(self, endpoint: str) -> str:
        serial = self.world.new_id("secret")
        seed = f"{self.world.seed}/{endpoint}/{serial}"
        return "whsec_sim" + hashlib.sha256(seed.encode()).hexdigest()[:32]
