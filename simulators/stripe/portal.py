"""Customer portal sessions: bearer links that die young, and what a visit does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from simulators.stripe import shapes
from simulators.stripe.forms import Params
from simulators.stripe.world import Obj, World

UNUSED_FOR = 300
"""Seconds a link waits for its first real visit."""
IDLE_FOR = 3600
"""Seconds a session lives after the last activity."""

Seen = Literal["open", "expired", "recoverable", "recovered"]


@dataclass
class Visit:
    """What Stripe remembers of one session."""

    last_used: int | None = None
    scans: int = 0


class Portal:
    """The sessions of one account and their visits."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.visits: dict[str, Visit] = {}

    def configuration(self) -> Obj:
        """The default configuration; made when first asked for."""
        for known in self.world.newest_first("billing_portal.configuration"):
            if known["is_default"]:
                return known
        made = self.world.new_id("bpc")
        return self.world.put(shapes.portal_configuration(made, self.world.now()))

    def open(self, customer: Obj, params: Params) -> Obj:
        """A new session."""
        world = self.world
        made = world.new_id("bps")
        session = shapes.portal_session(
            made,
            world.now(),
            customer["id"],
            f"{world.portal_pages}/p/session/{made}",
            configuration=params.get("configuration") or self.configuration()["id"],
            return_url=params.get("return_url"),
            flow=_flow(params.get("flow_data")),
            after_expiration=_after_expiration(params.get("after_expiration")),
        )
        self.visits[made] = Visit()
        return world.put(session)

    def session(self, url: str) -> Obj:
        """The session behind a link."""
        return self.world.get("billing_portal.session", url.rsplit("/", 1)[-1])

    def scan(self, url: str) -> Seen:
        """A robot fetches the link; that uses nothing up."""
        session = self.session(url)
        self.visits[session["id"]].scans += 1
        return self.status(session)

    def visit(self, url: str, *, email: str | None = None) -> Seen:
        """A person opens the link; `email` is the address they prove when it is dead."""
        session = self.session(url)
        seen = self.status(session)
        if seen == "recoverable":
            customer = self.world.customer(session["customer"])
            known = email is not None and email == customer["email"]
            if known or (
                email is not None and not self.world.behaviour.portal_recovery_needs_customer_email
            ):
                seen = "recovered"
        if seen in ("open", "recovered"):
            self.visits[session["id"]].last_used = self.world.now()
        return seen

    def status(self, session: Obj) -> Seen:
        """Whether the link works now."""
        now, visit = self.world.now(), self.visits[session["id"]]
        if visit.last_used is None:
            alive = now <= session["created"] + UNUSED_FOR
        else:
            alive = now <= visit.last_used + IDLE_FOR
        if alive:
            return "open"
        recovery = session["after_expiration"]
        if recovery is None:
            return "expired"
        until = recovery["customer_login"]["expires_at"]
        return "recoverable" if until is None or now <= until else "expired"


def _flow(given: Any) -> Obj | None:
    if not isinstance(given, dict):
        return None
    after = given.get("after_completion") or {}
    redirect = after.get("redirect")
    confirmation = after.get("hosted_confirmation")
    return {
        "after_completion": {
            "hosted_confirmation": confirmation
            and {"custom_message": confirmation.get("custom_message")},
            "redirect": redirect and {"return_url": redirect["return_url"]},
            "type": after.get("type", "portal_homepage"),
        },
        "subscription_cancel": None,
        "subscription_update": None,
        "subscription_update_confirm": None,
        "type": given["type"],
    }


def _after_expiration(given: Any) -> Obj | None:
    if not isinstance(given, dict):
        return None
    login = given.get("customer_login") or {}
    until = login.get("expires_at") if isinstance(login, dict) else None
    return {
        "customer_login": {"expires_at": int(until) if until else None},
        "type": given["type"],
    }
