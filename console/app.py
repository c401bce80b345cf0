"""The private web pages: what is going on with every case, and the few things done from here."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa
import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from console import acting
from console.access import COOKIE, SESSION_S, Access, NameRefused, TooManyTries
from console.alert_list import open_alerts, read_alerts
from console.api import Api
from console.case_list import read_page
from console.case_page import paired, read_case
from console.counters import messages, silent
from console.drafting import NoSuchMapping
from console.fixing import row_to_fix
from console.forms import FormRefused, NotAllowed, own_form, read_form, told
from console.frame import HERE, Pages, frame
from console.health import read_health, read_queues
from console.mapping_pages import MappingPages
from console.people import LONGEST_NAME, People
from console.plan_pages import PlanPages
from console.stuck import read_stuck
from console.suggestion_pages import SuggestionPages
from console.trial_pages import TrialPages
from console.version_pages import VersionPages
from console.wall import Wall
from console.why_page import WhyPage
from console.works import Works
from domain.case import CaseState
from domain.errors import Conflict, Gone, KidgloveError
from domain.wording import clean, clip
from jobs.crms import title_here
from jobs.runtime import NAMES, Runtime, served

log = structlog.get_logger()
FIRST_ALERTS = 5
"""Alerts on top of the list; the rest is one click away."""
DONE = {
    "note": "Your note is on the case. The task in {crm} follows by itself, within seconds.",
    "expedite": "The case is expedited. The task in {crm} follows by itself, within seconds.",
    "read": "The alert is marked as read.",
    "replayed": "Done. What is sent again and fails once more comes back to this page.",
}
"""What a page says after something was done on it."""


class Console:
    """The pages over one runtime. Nothing but the login page is shown without a token."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        token: str,
        access: Access | None = None,
        works: Works | None = None,
    ) -> None:
        self._runtime = runtime
        self._access = access or Access(
            People(shared=token, people=runtime.settings.console_people)
        )
        self._names = replace(NAMES, crm=title_here(runtime.settings))
        self._pages = Pages(self._names)
        self._works = works or Works(runtime)

    def app(self) -> ASGIApp:
        """The ASGI application."""
        get, post = ["GET"], ["POST"]
        runtime, pages, works = self._runtime, self._pages, self._works
        texts = MappingPages(runtime, pages, works)
        plans = PlanPages(runtime, pages, works, texts)
        routes = [
            Route("/", self._list, methods=get),
            Route("/cases/{key}", self._case, methods=get),
            Route("/cases/{key}/note", self._note, methods=post),
            Route("/cases/{key}/expedite", self._expedite, methods=post),
            Route("/alerts", self._alerts, methods=get),
            Route("/alerts/{id:int}/acknowledge", self._acknowledge, methods=post),
            Route("/dead", self._dead, methods=get),
            Route("/dead/{id:int}/replay-alike", self._replay_alike, methods=post),
            Route("/dead/{id:int}/replay", self._replay_one, methods=post),
            Route("/health", self._health, methods=get),
            Route("/login", self._login_page, methods=get),
            Route("/login", self._login, methods=post),
            Route("/logout", self._logout, methods=post),
            Route("/static/style.css", self._style, methods=get),
            *texts.routes(),
            *plans.routes(),
            *SuggestionPages(runtime, works, texts).routes(),
            *TrialPages(works, plans).routes(),
            *VersionPages(runtime, works, texts).routes(),
            Route("/why", WhyPage(runtime, pages).show, methods=get),
            Mount("/api", app=Api(runtime, self._access).app()),
        ]
        inside = Starlette(
            routes=routes,
            exception_handlers={
                HTTPException: self._no_page,
                FormRefused: self._refused,
                NotAllowed: self._not_allowed,
                NoSuchMapping: self._no_mapping,
                KidgloveError: self._problem,
                Conflict: self._conflict,
                Gone: self._gone,
                sa.exc.OperationalError: self._no_database,
                Exception: self._broken,
            },
        )
        return Wall(inside, self._access, public=self._runtime.settings.console_url)

    def close(self) -> None:
        """End what runs beside the pages."""
        self._works.close()

    # -- pages

    def _list(self, request: Request) -> Response:
        stage, number = _stage(request), _number(request)
        now = self._runtime.clock.now()
        with self._runtime.store.begin() as tx:
            around = frame(tx, self._runtime)
            return self._pages.show(
                request,
                "cases.html",
                around,
                found=read_page(tx, stage=stage, number=number, policy=around.policy, now=now),
                messages=messages(tx, rules=around.rules, now=now),
                silent=silent(tx, rules=around.rules, now=now),
                alerts=open_alerts(tx, limit=FIRST_ALERTS),
            )

    def _case(self, request: Request) -> Response:
        now = self._runtime.clock.now()
        with self._runtime.store.begin() as tx:
            around = frame(tx, self._runtime)
            view = read_case(tx, request.path_params["key"], policy=around.policy, now=now)
        if view is None:
            raise HTTPException(404, "There is no case with this key.")
        return self._pages.show(
            request,
            "case.html",
            around,
            view=view,
            reasons=paired(view.judged) if view.judged else (),
            promise=acting.promised(view.case, self._runtime, today=now.date()),
            done=self._done(request),
        )

    def _alerts(self, request: Request) -> Response:
        with self._runtime.store.begin() as tx:
            around = frame(tx, self._runtime)
            unread, read = open_alerts(tx), read_alerts(tx)
        done = self._done(request)
        return self._pages.show(request, "alerts.html", around, alerts=unread, read=read, done=done)

    def _dead(self, request: Request) -> Response:
        now = self._runtime.clock.now()
        with self._runtime.store.begin() as tx:
            around = frame(tx, self._runtime)
            groups = read_stuck(tx)
            config = self._runtime.configs.current(tx, now) if around.policy else None
        mappings = config.mappings if config is not None else {}
        return self._pages.show(
            request,
            "dead.html",
            around,
            groups=[(group, row_to_fix(group, mappings)) for group in groups],
            done=self._done(request),
        )

    def _health(self, request: Request) -> Response:
        lines = read_queues(self._runtime.redis_url, served(self._runtime.settings))
        with self._runtime.store.begin() as tx:
            around = frame(tx, self._runtime)
            view = read_health(tx, lines, now=self._runtime.clock.now())
        return self._pages.show(request, "health.html", around, view=view)

    def _done(self, request: Request) -> str | None:
        told = DONE.get(request.query_params.get("done", ""))
        return told.format(crm=self._names.crm) if told else None

    def _style(self, _: Request) -> Response:
        return FileResponse(HERE / "static" / "style.css")

    # -- what people do

    async def _note(self, request: Request) -> Response:
        form, session = await own_form(request)
        key, text = request.path_params["key"], told(form, "text", what="The note")
        await run_in_threadpool(acting.add_note, self._runtime, key, by=session.by, text=text)
        return RedirectResponse(f"/cases/{key}?done=note", 303)

    async def _expedite(self, request: Request) -> Response:
        form, session = await own_form(request)
        key, reason = request.path_params["key"], told(form, "reason", what="The reason")
        actions = self._runtime.actions
        await run_in_threadpool(actions.expedite, key, by=session.by, reason=reason)
        return RedirectResponse(f"/cases/{key}?done=expedite", 303)

    async def _acknowledge(self, request: Request) -> Response:
        _, session = await own_form(request)
        id = request.path_params["id"]
        await run_in_threadpool(acting.acknowledge, self._runtime, id, by=session.by)
        return RedirectResponse("/alerts?done=read", 303)

    async def _replay_one(self, request: Request) -> Response:
        _, session = await own_form(request)
        id = request.path_params["id"]
        await run_in_threadpool(acting.send_again, self._runtime, id, by=session.by)
        return RedirectResponse("/dead?done=replayed", 303)

    async def _replay_alike(self, request: Request) -> Response:
        form, session = await own_form(request)
        await run_in_threadpool(
            acting.send_alike_again,
            self._runtime,
            request.path_params["id"],
            count=_whole(form.get("count")),
            last_id=_whole(form.get("last_id")),
            by=session.by,
        )
        return RedirectResponse("/dead?done=replayed", 303)

    # -- the door

    async def _login_page(self, request: Request) -> Response:
        if request.state.session is not None:
            return RedirectResponse("/", 303)
        return self._ask(request, back=request.query_params.get("next", "/"))

    async def _login(self, request: Request) -> Response:
        form = await read_form(request)
        by = clip(clean(form.get("name", "")), LONGEST_NAME)
        back = form.get("next", "/")
        try:
            cookie = self._access.enter(form.get("token", "").strip(), by=by)
        except TooManyTries as brake:
            problem = f"Too many wrong tokens. Try again in {brake.wait} seconds."
            answer = self._ask(request, back=back, by=by, problem=problem, status=429)
            answer.headers["retry-after"] = str(brake.wait)
            return answer
        except NameRefused as refused:
            return self._ask(request, back=back, problem=str(refused), status=400)
        if cookie is None:
            log.warning("console.login_refused")
            problem = (
                "This is nobody's token."
                if self._access.people.is_named
                else "This is not the token."
            )
            return self._ask(request, back=back, by=by, problem=problem, status=403)
        answer = RedirectResponse(_inside(back), 303)
        answer.set_cookie(
            COOKIE,
            cookie,
            max_age=SESSION_S,
            path="/",
            httponly=True,
            samesite="strict",
            secure=request.headers.get("origin", "").startswith("https://"),
        )
        return answer

    async def _logout(self, request: Request) -> Response:
        await own_form(request)
        self._access.leave(request.cookies.get(COOKIE))
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return answer

    def _ask(
        self, request: Request, *, back: str, by: str = "", problem: str = "", status: int = 200
    ) -> Response:
        return self._pages.show(
            request,
            "login.html",
            status=status,
            back=_inside(back),
            by=by,
            problem=problem,
            is_named=self._access.people.is_named,
        )

    # -- what goes wrong

    def _sorry(self, request: Request, status: int, title: str, text: str) -> Response:
        return self._pages.show(request, "sorry.html", status=status, title=title, text=text)

    def _no_page(self, request: Request, problem: Exception) -> Response:
        if not isinstance(problem, HTTPException):
            raise problem
        known = {404: "Not found", 405: "Not possible here"}
        return self._sorry(
            request, problem.status_code, known.get(problem.status_code, "No"), problem.detail
        )

    def _refused(self, request: Request, problem: Exception) -> Response:
        if not isinstance(problem, FormRefused):
            raise problem
        return self._sorry(request, problem.status, "Nothing was changed", problem.text)

    def _not_allowed(self, request: Request, problem: Exception) -> Response:
        text = f"{problem} may read mappings, and not change them. Ask an admin."
        return self._sorry(request, 403, "For admins only", text)

    def _no_mapping(self, request: Request, problem: Exception) -> Response:
        text = "There is no mapping of this name here. The list of mappings names those there are."
        return self._sorry(request, 404, "Not found", text)

    def _problem(self, request: Request, problem: Exception) -> Response:
        if not isinstance(problem, KidgloveError):
            raise problem
        log.warning("console.not_done", path=request.url.path, code=problem.code)
        return self._sorry(request, 409, "Not done", f"{problem.message}. {problem.remedy}")

    def _conflict(self, request: Request, problem: Exception) -> Response:
        text = "Somebody else, or Kidglove itself, changed the same thing at this moment. "
        text += "Nothing of yours was written. Load the page again and repeat it."
        return self._sorry(request, 409, "Changed meanwhile", text)

    def _gone(self, request: Request, problem: Exception) -> Response:
        text = "There is no open case with this key. It may have been closed meanwhile."
        return self._sorry(request, 404, "Nothing was changed", text)

    def _no_database(self, request: Request, problem: Exception) -> Response:
        log.error("console.no_database", error=type(problem).__name__)
        text = "The database does not answer. Nothing is lost; load the page again in a moment."
        return self._sorry(request, 503, "Not now", text)

    def _broken(self, request: Request, problem: Exception) -> Response:
        log.error("console.broken", path=request.url.path, error=type(problem).__name__)
        text = "This page could not be made. The log of the console says why."
        return self._sorry(request, 500, "A mistake of ours", text)


def _stage(request: Request) -> CaseState | None:
    asked = request.query_params.get("stage", "")
    return CaseState(asked) if asked in set(CaseState) else None


def _number(request: Request) -> int:
    return max(1, _whole(request.query_params.get("page")))


def _whole(text: str | None) -> int:
    """A small number from a form or an address; 0 for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else 0


def _inside(path: str) -> str:
    """The path if it stays on this site, else the first page."""
    stays = path.startswith("/") and not path.startswith("//")
    return path if stays and "\\" not in path and path.isprintable() else "/"
