"""Writing one record as a plan wants it, to look at in the CRM, and giving it back."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from console.access import Session
from console.forms import FormRefused, admin_form
from console.plan_pages import PlanPages
from console.works import Works
from domain.errors import Gone
from domain.ids import AccountId
from jobs.trials import try_record, undo_trial


class TrialPages:
    """What is done on the page of one account under a plan."""

    def __init__(self, works: Works, plans: PlanPages) -> None:
        self._works = works
        self._plans = plans

    def routes(self) -> list[Route]:
        """A trial, and its undoing."""
        at = "/mappings/{crm}/plans/{id}/accounts/{account:int}"
        return [
            Route(f"{at}/try", self._try, methods=["POST"]),
            Route(f"{at}/undo", self._undo, methods=["POST"]),
        ]

    async def _try(self, request: Request) -> Response:
        form, session = await admin_form(request)
        return await run_in_threadpool(self._write, request, session, form.get("seen", ""))

    def _write(self, request: Request, session: Session, seen: str) -> Response:
        stored = self._plans.kept(request)
        refusal = self._plans.needs_another(session, stored)
        if refusal:
            raise FormRefused(403, refusal)
        with self._works.look() as here:
            try_record(here, stored.plan, _account(request), seen=seen, by=session.by)
        return _back(request, "tried")

    async def _undo(self, request: Request) -> Response:
        form, session = await admin_form(request)
        return await run_in_threadpool(self._give_back, request, session, form.get("trial", ""))

    def _give_back(self, request: Request, session: Session, trial: str) -> Response:
        stored = self._plans.kept(request)
        id = int(trial) if trial.isascii() and trial.isdigit() and len(trial) < 16 else 0
        try:
            with self._works.look() as here:
                backs = undo_trial(here, stored.plan.system, _account(request), id, by=session.by)
        except Gone as problem:
            raise FormRefused(409, f"{problem.message}. Load the page again.") from problem
        return _back(request, "undone" if any(one.left is None for one in backs) else "left")


def _account(request: Request) -> AccountId:
    return AccountId(request.path_params["account"])


def _back(request: Request, done: str) -> RedirectResponse:
    return RedirectResponse(f"{request.url.path.rpartition('/')[0]}?done={done}", 303)
