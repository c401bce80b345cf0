"""How many calls are ours: the ten-second window of the token, the portal's search and its day."""

from __future__ import annotations

from connectors.kit.limits import Limits

WINDOW = 100
"""Calls in ten seconds of the smallest tier (usage guide); Professional and above have 190."""
SHARE = 0.8
"""Of a window: what is left absorbs the difference between our clock and HubSpot's."""
DAILY = 250_000
"""Of the smallest tier, until the first answer tells the portal's own number."""
SEARCH = Limits(rate=3, burst=1, reserve=0.0)
"""Five searches a second are allowed to the whole portal, every app of it together."""


def limits_for(window: int = WINDOW) -> Limits:
    """The limits of a token that may make `window` calls in ten seconds.

    A window of HubSpot holds our burst and ten seconds of our rate: together `SHARE` of it.
    """
    usable = window * SHARE
    burst = max(1, int(usable / 4))
    return Limits(
        rate=max(0.5, (usable - burst) / 10), burst=burst, daily=int(DAILY * 0.95), reserve=0.25
    )
