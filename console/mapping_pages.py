"""The pages of the mapping editor: rows, text, mistakes, sentences and the live schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from console.access import Session
from console.drafting import Shown, drop_draft, keep_draft, shown, systems
from console.forms import LONGEST_TEXT_FORM, FormRefused, admin_form
from console.frame import Pages, frame
from console.mapping_view import Reading, RowView
from console.row_form import RowRefused, filled_in, form_of
from console.works import Works
from domain.errors import KidgloveError
from domain.ports import Health
from jobs.crms import CRMS
from jobs.mapping_doctor import examine_mapping
from jobs.runtime import Runtime
from mappings.findings import nearest
from mappings.mapping_file import explain_mapping
from mappings.row_edit import NoRows, with_new_row, with_row, without_row

DONE = {
    "draft": "Your draft is kept. Nothing of it is in force until a plan is applied.",
    "same": "This says what is in force, so there is no draft.",
    "dropped": "Your draft is dropped. What is in force has not changed.",
    "removed": "The row is out of your draft. Nothing of it is in force until a plan is applied.",
    "taken": "The row is in your draft. Nothing of it is in force until a plan is applied.",
    "applied": "The plan is in force. {crm} follows by itself.",
    "known": "This was in force already. Nothing was changed.",
    "tried": "The record is written within seconds. Load the page again to see how it went.",
    "undone": "The record gets back what stood there before, within seconds.",
    "left": "Nothing was given back: every field holds something else by now.",
    "back": "The version is in force again. {crm} follows by itself.",
}
"""What a page says after something was done on it."""


class MappingPages:
    """The editor over one runtime."""

    def __init__(self, runtime: Runtime, pages: Pages, works: Works) -> None:
        self._runtime = runtime
        self._pages = pages
        self._works = works

    def routes(self) -> list[Route]:
        """Everything under /mappings that is about one text."""
        get, post = ["GET"], ["POST"]
        at = "/mappings/{crm}"
        return [
            Route("/mappings", self._list, methods=get),
            Route(at, self._rows, methods=get),
            Route(f"{at}/rows/{{field}}", self._row, methods=get),
            Route(f"{at}/rows/{{field}}", self._change_row, methods=post),
            Route(f"{at}/rows/{{field}}/remove", self._remove_row, methods=post),
            Route(f"{at}/add", self._new_row, methods=get),
            Route(f"{at}/add", self._add_row, methods=post),
            Route(f"{at}/text", self._text, methods=get),
            Route(f"{at}/text", self._change_text, methods=post),
            Route(f"{at}/draft/drop", self._drop, methods=post),
            Route(f"{at}/check", self._check, methods=get),
            Route(f"{at}/explain", self._explain, methods=get),
            Route(f"{at}/doctor", self._doctor, methods=get),
        ]

    # -- pages

    def _list(self, request: Request) -> Response:
        session: Session = request.state.session
        with self._runtime.store.begin() as tx:
            around = frame(tx, self._runtime)
        found = [shown(self._runtime, one, session) for one in systems(self._runtime)]
        return self._pages.show(
            request,
            "mappings.html",
            around,
            found=found,
            others=[one.title for name, one in CRMS.items() if name not in systems(self._runtime)],
        )

    def _rows(self, request: Request) -> Response:
        seen = self.seen(request)
        word = request.query_params.get("q", "").strip()[:100]
        return self.show(
            request, "mapping.html", seen, word=word, rows=seen.reading.filtered(word), tab="rows"
        )

    def _row(self, request: Request) -> Response:
        seen = self.seen(request)
        rows = seen.reading.of_field(request.path_params["field"])
        return self._show_row(request, seen, [(one, form_of(one.raw), "") for one in rows])

    def _show_row(
        self, request: Request, seen: Shown, forms: list[Any], *, status: int = 200
    ) -> Response:
        field = request.path_params["field"]
        about = seen.reading.about(field)
        if not forms and not about:
            names = [one.field for one in seen.reading.rows or ()]
            meant = nearest(field, names)
            hint = f" Did you mean {meant}?" if meant else ""
            raise HTTPException(404, f"The mapping says nothing about {field}.{hint}")
        return self.show(
            request,
            "mapping_row.html",
            seen,
            status=status,
            field=field,
            forms=forms,
            about=about,
            tab="row",
        )

    def _new_row(self, request: Request) -> Response:
        return self.show(
            request,
            "mapping_add.html",
            self.seen(request),
            form=form_of(None),
            problem="",
            tab="add",
        )

    def _text(self, request: Request) -> Response:
        return self.show(request, "mapping_text.html", self.seen(request), tab="text")

    def _check(self, request: Request) -> Response:
        seen = self.seen(request)
        return self.show(
            request, "mapping_check.html", seen, lines=seen.text.splitlines(), tab="check"
        )

    def _explain(self, request: Request) -> Response:
        seen = self.seen(request)
        mapping = seen.reading.mapping
        told = explain_mapping(mapping) if mapping is not None else ""
        return self.show(
            request, "mapping_explain.html", seen, sentences=_parts(told), tab="explain"
        )

    def _doctor(self, request: Request) -> Response:
        seen = self.seen(request)
        problem: KidgloveError | None = None
        found: list[Any] = []
        if seen.reading.mapping is not None:
            try:
                with self._works.look() as here:
                    found = examine_mapping(here, seen.system, seen.reading.mapping)
            except KidgloveError as error:
                problem = error
        rank = {Health.WRONG: 0, Health.UNKNOWN: 1, Health.OK: 2}
        return self.show(
            request,
            "mapping_doctor.html",
            seen,
            lines=[(one, _field(one.check)) for one in sorted(found, key=lambda x: rank[x.health])],
            counts={one: sum(line.health is one for line in found) for one in Health},
            problem=problem,
            tab="doctor",
        )

    # -- what people do

    async def _change_row(self, request: Request) -> Response:
        form, session = await admin_form(request)
        return await run_in_threadpool(self._with_row, request, dict(form), session)

    def _with_row(self, request: Request, form: dict[str, str], session: Session) -> Response:
        seen = self.seen(request)
        row = _same_row(seen.reading, form)
        try:
            changed, typed = filled_in(form)
        except RowRefused as refused:
            rows = seen.reading.of_field(request.path_params["field"])
            forms = [
                (one, form_of(one.raw, {**form_of(one.raw).said, **_typed(form)}), str(refused))
                if one.number == row.number
                else (one, form_of(one.raw), "")
                for one in rows
            ]
            return self._show_row(request, seen, forms, status=422)
        # A row that says the same is left as it is written.
        text = (
            seen.text if changed == dict(row.raw.said) else with_row(seen.text, row.number, changed)
        )
        keep_draft(self._runtime, seen, text, by=session.by)
        return _to(seen, f"rows/{typed['theirs']}", "draft" if text != seen.force.text else "same")

    async def _remove_row(self, request: Request) -> Response:
        form, session = await admin_form(request)
        return await run_in_threadpool(
            self._save, request, session, "removed", "", _removal(dict(form))
        )

    async def _add_row(self, request: Request) -> Response:
        form, session = await admin_form(request)
        return await run_in_threadpool(self._with_new_row, request, dict(form), session)

    def _with_new_row(self, request: Request, form: dict[str, str], session: Session) -> Response:
        seen = self.seen(request)
        try:
            row, typed = filled_in(form)
            text = with_new_row(seen.text, row)
        except RowRefused as refused:
            return self.show(
                request,
                "mapping_add.html",
                seen,
                status=422,
                form=form_of(None, {**form_of(None).said, **_typed(form)}),
                problem=str(refused),
                tab="add",
            )
        except NoRows as problem:
            raise FormRefused(409, NO_ROWS) from problem
        keep_draft(self._runtime, seen, text, by=session.by)
        return _to(seen, f"rows/{quote(typed['theirs'], safe='')}", "draft")

    async def _change_text(self, request: Request) -> Response:
        form, session = await admin_form(request, longest=LONGEST_TEXT_FORM)
        text = form.get("text", "")
        if "\x00" in text:
            raise FormRefused(400, "The text has a NUL sign in it, which no text may have.")
        return await run_in_threadpool(
            self._save, request, session, "draft", "check", lambda _: text
        )

    def _save(
        self,
        request: Request,
        session: Session,
        done: str,
        page: str,
        change: Callable[[Reading], str],
    ) -> Response:
        seen = self.seen(request)
        try:
            text = change(seen.reading)
        except NoRows as problem:
            raise FormRefused(409, NO_ROWS) from problem
        keep_draft(self._runtime, seen, text, by=session.by)
        return _to(seen, page, done)

    async def _drop(self, request: Request) -> Response:
        _, session = await admin_form(request)
        seen = await run_in_threadpool(self.seen, request)
        await run_in_threadpool(drop_draft, self._runtime, seen.system, by=session.by)
        return _to(seen, "", "dropped")

    # -- what the other pages of a mapping need too

    def seen(self, request: Request) -> Shown:
        """The text that the page is about."""
        return shown(self._runtime, request.path_params["crm"], request.state.session)

    def show(
        self, request: Request, template: str, seen: Shown, *, status: int = 200, **values: Any
    ) -> Response:
        """One page about a mapping."""
        with self._runtime.store.begin() as tx:
            around = frame(tx, self._runtime)
        told = DONE.get(request.query_params.get("done", ""))
        done = told.format(crm=seen.title) if told else None
        return self._pages.show(
            request, template, around, status=status, seen=seen, done=done, **values
        )


NO_ROWS = "The rows of this text cannot be told apart. Correct the whole text first."


def _same_row(reading: Reading, form: dict[str, str]) -> RowView:
    """The row that the form was made for. `FormRefused` if it says something else by now."""
    number, was = form.get("number", ""), form.get("was", "")
    for one in reading.rows or ():
        if str(one.number) == number and one.raw.text == was:
            return one
    raise FormRefused(409, "This row has changed since the page was made. Load it again.")


def _removal(form: dict[str, str]) -> Callable[[Reading], str]:
    return lambda reading: without_row(reading.text, _same_row(reading, form).number)


def _typed(form: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in form.items() if name not in ("csrf", "number", "was")}


def _field(check: str) -> str | None:
    """The CRM's field that a finding is about, or None."""
    parts = check.rpartition("field.")
    return parts[2].rpartition(".")[2] if parts[1] else None


def _parts(told: str) -> list[tuple[str, list[str]]]:
    """The sentences under their headings; a heading ends with a colon."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for line in told.splitlines():
        if line.endswith(":"):
            found.append((line.removesuffix(":"), []))
        elif line:
            found[-1][1].append(line.removeprefix("- "))
    return [(head, lines) for head, lines in found if lines]


def _to(seen: Shown, page: str, done: str) -> RedirectResponse:
    path = f"/mappings/{seen.system}" + (f"/{page}" if page else "")
    return RedirectResponse(f"{path}?done={done}", 303)
