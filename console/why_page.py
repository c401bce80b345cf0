"""Why a value that we wrote is where it is, on a page that can be linked to."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from console.frame import Pages, frame
from domain.wording import clean
from jobs.crms import CRMS, connected
from jobs.runtime import PAYMENTS_SYSTEM, Runtime
from jobs.why import why


class WhyPage:
    """`/why?system=..&record=..&field=..`, and a form where something of it is missing."""

    def __init__(self, runtime: Runtime, pages: Pages) -> None:
        self._runtime = runtime
        self._pages = pages

    def show(self, request: Request) -> Response:
        """The page."""
        asked = {
            name: clean(request.query_params.get(name, ""))[:200]
            for name in ("system", "record", "field")
        }
        is_whole = all(asked.values())
        with self._runtime.store.begin() as tx:
            around = frame(tx, self._runtime)
        found = why(self._runtime, **asked) if is_whole else []
        here = connected(self._runtime.settings)
        titles = {PAYMENTS_SYSTEM: "Stripe"} | {name: CRMS[name].title for name in here}
        return self._pages.show(
            request,
            "why.html",
            around,
            asked=asked,
            is_whole=is_whole,
            writes=found,
            systems=titles,
            with_row=here,
        )
