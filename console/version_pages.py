"""The pages of versions: the history, what differs, the way back, and the text to take away."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from console.access import Session
from console.drafting import Shown
from console.forms import admin_form, told
from console.mapping_pages import MappingPages
from console.works import Works
from domain.errors import Gone
from jobs.applying import reach
from jobs.runtime import Runtime
from jobs.versions import SHIPPED, Version, go_back, history, holds_after, version, way_back
from mappings.canonical import as_json, canonical, difference

LEFT_SHOWN = 20
"""Fields listed that are left alone."""
FORMS = {
    "canonical": ("yaml", "application/yaml"),
    "raw": ("yaml", "application/yaml"),
    "json": ("json", "application/json"),
}
"""How a version can be taken away: the ending and the kind of its file."""
DRAFT = "draft"
"""What a draft is called where a version may be named."""


class VersionPages:
    """What was in force, and going back to it. `texts` are the other pages of a mapping."""

    def __init__(self, runtime: Runtime, works: Works, texts: MappingPages) -> None:
        self._runtime = runtime
        self._works = works
        self._texts = texts

    def routes(self) -> list[Route]:
        """Everything about versions."""
        get, post = ["GET"], ["POST"]
        at = "/mappings/{crm}"
        return [
            Route(f"{at}/history", self._history, methods=get),
            Route(f"{at}/diff", self._diff, methods=get),
            Route(f"{at}/export", self._export, methods=get),
            Route(f"{at}/versions/{{number:int}}/back", self._way_back, methods=get),
            Route(f"{at}/versions/{{number:int}}/back", self._go_back, methods=post),
        ]

    def _history(self, request: Request) -> Response:
        seen = self._texts.seen(request)
        return self._texts.show(
            request,
            "history.html",
            seen,
            versions=history(self._runtime, seen.system),
            tab="history",
        )

    def _diff(self, request: Request) -> Response:
        seen, asked = self._texts.seen(request), request.query_params
        force = seen.force.number
        default_new = DRAFT if seen.draft is not None else str(force)
        default_old = str(force) if seen.draft is not None else str(max(SHIPPED, force - 1))
        old = self._named(seen, asked.get("old") or default_old)
        new = self._named(seen, asked.get("new") or default_new)
        lines: list[str] | None
        try:
            lines = difference(old.text, new.text, old_name=old.label, new_name=new.label)
        except ValueError:
            lines = None
        return self._texts.show(
            request,
            "diff.html",
            seen,
            old=old,
            new=new,
            lines=lines,
            choices=self._choices(seen),
            chosen=(asked.get("old") or default_old, asked.get("new") or default_new),
            tab="diff",
        )

    def _export(self, request: Request) -> Response:
        seen, asked = self._texts.seen(request), request.query_params
        form = asked.get("form", "canonical")
        if form not in FORMS:
            raise HTTPException(404, f"There is no form {form!r}; there are {', '.join(FORMS)}.")
        default = DRAFT if seen.draft is not None else str(seen.force.number)
        found = self._named(seen, asked.get("version") or default)
        try:
            text = {"raw": lambda text: text, "json": as_json, "canonical": canonical}[form](
                found.text
            )
        except ValueError as problem:
            raise HTTPException(
                409, "This text has mistakes, so it has no form of its own. Take it raw."
            ) from problem
        ending, kind = FORMS[form]
        name = found.label.replace(":", "-").replace("@", "-")
        return Response(
            text,
            media_type=kind,
            headers={"content-disposition": f'attachment; filename="{name}.{ending}"'},
        )

    def _way_back(self, request: Request) -> Response:
        seen, number = self._texts.seen(request), request.path_params["number"]
        try:
            with self._works.look() as here:
                way = way_back(here, seen.system, number)
                holds = holds_after(here, way)
        except Gone as problem:
            raise HTTPException(404, f"{problem.message}. {problem.remedy}") from problem
        return self._texts.show(
            request,
            "version_back.html",
            seen,
            way=way,
            holds=holds,
            reach=reach(self._runtime),
            left=way.left[:LEFT_SHOWN],
            lines=difference(
                seen.force.text,
                way.version.text,
                old_name=seen.force.label,
                new_name=way.version.label,
            ),
            tab="history",
        )

    async def _go_back(self, request: Request) -> Response:
        form, session = await admin_form(request)
        note = told(form, "note", what="The note")
        keep_values = form.get("values") == "keep"
        return await run_in_threadpool(
            self._carry_back, request, session, note, keep_values, form.get("over", "")
        )

    def _carry_back(
        self, request: Request, session: Session, note: str, keep_values: bool, over: str
    ) -> Response:
        seen, number = self._texts.seen(request), request.path_params["number"]
        if over != seen.force.label:
            raise HTTPException(
                409, f"{seen.force.label} is in force by now. Load the page again and look."
            )
        try:
            with self._works.look() as here:
                way = way_back(here, seen.system, number, keep_values=keep_values)
                go_back(here, way, note=note, by=session.by)
        except Gone as problem:
            raise HTTPException(404, f"{problem.message}. {problem.remedy}") from problem
        return RedirectResponse(f"/mappings/{seen.system}/history?done=back", 303)

    def _named(self, seen: Shown, name: str) -> Version:
        """The version of this number, or the draft."""
        if name == DRAFT and seen.draft is not None:
            return Version(label="your draft", number=-1, text=seen.draft.text)
        if not name.isascii() or not name.isdigit() or len(name) > 9:
            raise HTTPException(404, f"There is no version {name!r}.")
        try:
            return version(self._runtime, seen.system, int(name))
        except Gone as problem:
            raise HTTPException(404, f"{problem.message}. {problem.remedy}") from problem

    def _choices(self, seen: Shown) -> list[tuple[str, str]]:
        found = [(str(one.version), one.label) for one in history(self._runtime, seen.system)]
        draft = [(DRAFT, "your draft")] if seen.draft is not None else []
        return [*draft, *found, (str(SHIPPED), "as shipped")]
