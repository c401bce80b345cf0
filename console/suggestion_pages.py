"""Rows that a mapping might have, shown for a person to judge, and taken over into a draft."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from console.access import Session
from console.drafting import keep_draft
from console.forms import FormRefused, admin_form
from console.mapping_pages import NO_ROWS, MappingPages
from console.mapping_view import ARROWS
from console.row_form import RowRefused, filled_in, typed_of
from console.works import Works
from domain.errors import KidgloveError
from jobs.mapping_doctor import suggest_rows
from jobs.runtime import Runtime
from mappings.row_edit import NoRows, with_new_row
from mappings.row_suggestions import Suggestions
from mappings.vocabulary import OURS, Flow


class SuggestionPages:
    """The page of suggestions, and the button of each. Nothing is mapped by looking."""

    def __init__(self, runtime: Runtime, works: Works, texts: MappingPages) -> None:
        self._runtime = runtime
        self._works = works
        self._texts = texts

    def routes(self) -> list[Route]:
        """One address."""
        at = "/mappings/{crm}/suggestions"
        return [
            Route(at, self._show, methods=["GET"]),
            Route(at, self._take, methods=["POST"]),
        ]

    def _show(self, request: Request) -> Response:
        seen = self._texts.seen(request)
        problem: KidgloveError | None = None
        found = Suggestions()
        if seen.reading.mapping is not None:
            try:
                with self._works.look() as here:
                    found = suggest_rows(here, seen.system, seen.reading.mapping)
            except KidgloveError as error:
                problem = error
        return self._texts.show(
            request,
            "mapping_suggestions.html",
            seen,
            values=[
                (ours, OURS[ours].doc, list(rows))
                for ours, rows in groupby(found.rows, key=lambda one: one.ours)
            ],
            found=found,
            arrow_of=lambda said: ARROWS[Flow(said["flow"])],
            typed_of=typed_of,
            problem=problem,
            tab="suggestions",
        )

    async def _take(self, request: Request) -> Response:
        form, session = await admin_form(request)
        return await run_in_threadpool(self._with_row, request, dict(form), session)

    def _with_row(self, request: Request, form: Mapping[str, str], session: Session) -> Response:
        seen = self._texts.seen(request)
        try:
            row, _ = filled_in(form)
        except RowRefused as refused:
            raise FormRefused(400, str(refused)) from refused
        carried = {(one.carries, one.field) for one in seen.reading.rows or ()}
        if (row.get("ours"), row["theirs"]) in carried:
            raise FormRefused(409, "This row stands in your draft already. Load the page again.")
        try:
            text = with_new_row(seen.text, row)
        except NoRows as problem:
            raise FormRefused(409, NO_ROWS) from problem
        keep_draft(self._runtime, seen, text, by=session.by)
        return RedirectResponse(f"/mappings/{seen.system}/suggestions?done=taken", 303)
