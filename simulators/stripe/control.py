"""The control API under /_sim: clock, faults, delivery, state, and the verbs of the demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

if TYPE_CHECKING:
    from simulators.stripe.sim import StripeSim


def control_routes(sim: StripeSim) -> list[Route]:
    return []
