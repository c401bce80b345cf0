"""The pages of plans: made beside the pages, looked at account by account, applied as they are."""

from __future__ import annotations

import json
import re

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from console.access import Session
from console.drafting import drop_carried_out
from console.forms import FormRefused, admin_form, told
from console.frame import Pages, frame
from console.mapping_pages import MappingPages
from console.previews import find_account, first_account, is_rejected, lines, ways
from console.works import Progress, Work, Works
from domain.effects import digest_of
from domain.ids import AccountId
from domain.leaf import Missing
from domain.wording import clean
from jobs.applying import NotApplied, apply_kept, in_force_already, limits_in_force, reach
from jobs.plans import Kept, base_of, described, keep, kept, look_price, make_plan, planner, price
from jobs.runtime import NAMES, Runtime
from jobs.trials import trial_values, trials
from mappings.canonical import difference
from mappings.mapping_file import load_mapping
from sync.configs import mapping_name
from sync.planned import Change, PlannedRecord, over, summary

PLAN_ID = re.compile(r"[0-9a-f]{12}")
SHOWN = 25
"""Records on one page of a plan."""
LISTED = 20
"""Plans in the list."""
SHOW = {"changed": "that change", "rejected": "with a value that is refused"}
"""What the list of a plan's records can be narrowed to."""


class PlanPages:
    """Planning and applying. `texts` are the other pages of a mapping."""

    def __init__(self, runtime: Runtime, pages: Pages, works: Works, texts: MappingPages) -> None:
        self._runtime = runtime
        self._pages = pages
        self._works = works
        self._texts = texts

    def routes(self) -> list[Route]:
        """Everything about plans, and the page of a work that is under way."""
        get, post = ["GET"], ["POST"]
        at = "/mappings/{crm}/plans"
        return [
            Route(at, self._plans, methods=get),
            Route(at, self._make, methods=post),
            Route(f"{at}/{{id}}", self._plan, methods=get),
            Route(f"{at}/{{id}}/account", self._find, methods=get),
            Route(f"{at}/{{id}}/accounts/{{account:int}}", self._account, methods=get),
            Route(f"{at}/{{id}}/apply", self._apply, methods=post),
            Route("/works/{id}", self._work, methods=get),
        ]

    # -- pages

    def _plans(self, request: Request) -> Response:
        seen = self._texts.seen(request)
        concerned = reach(self._runtime)
        with self._runtime.store.begin() as tx:
            found = tx.plans.latest(mapping_name(seen.system), limit=LISTED)
        return self._texts.show(
            request,
            "plans.html",
            seen,
            plans=found,
            reach=concerned,
            cost=look_price(seen.system, concerned.accounts),
            summary=summary,
            tab="plan",
        )

    def _plan(self, request: Request) -> Response:
        seen, stored = self._texts.seen(request), self.kept(request)
        plan, session = stored.plan, request.state.session
        show = request.query_params.get("show", "")
        records = [one for one in plan.records if _is_shown(one, show)]
        number = _page(request, len(records))
        force = seen.force
        is_over_this = base_of(self._runtime, plan.system) == plan.base
        return self._texts.show(
            request,
            "plan.html",
            seen,
            plan=plan,
            stored=stored,
            show=show if show in SHOW else "",
            shows=SHOW,
            records=records[(number - 1) * SHOWN : number * SHOWN],
            found=len(records),
            number=number,
            last=max(1, -(-len(records) // SHOWN)),
            same=plan.counts.get(Change.NO_OP, 0),
            rejected=sum(is_rejected(one) for one in plan.records),
            changed=plan.written,
            stops=over(plan, limits_in_force(self._runtime, plan.system)),
            cost=price(plan),
            reach=reach(self._runtime),
            is_in_force=in_force_already(self._runtime, plan) is not None,
            is_over_this=is_over_this,
            needs_another=self.needs_another(session, stored),
            lines=difference(force.text, plan.text, old_name=plan.base, new_name=f"plan {plan.id}")
            if is_over_this and seen.force.label == plan.base
            else [],
            sign={Change.CREATE: "+", Change.OVERWRITE: "~", Change.BLANK: "0"},
            tab="plan",
        )

    def _find(self, request: Request) -> Response:
        stored = self.kept(request)
        word = clean(request.query_params.get("find", ""))
        with self._runtime.store.begin() as tx:
            plan = stored.plan
            account = find_account(tx, word) if word.strip() else first_account(tx, plan)
        at = f"/mappings/{plan.system}/plans/{plan.id}"
        if account is None:
            raise HTTPException(
                404,
                f"There is no account {word!r}. Say its name, its customer's id, its id in the "
                "CRM, or the key of its case."
                if word.strip()
                else "There is no account yet.",
            )
        return RedirectResponse(f"{at}/accounts/{int(account)}", 303)

    def _account(self, request: Request) -> Response:
        seen, stored = self._texts.seen(request), self.kept(request)
        plan, account = stored.plan, AccountId(request.path_params["account"])
        mapping = load_mapping(plan.text, name=seen.name)
        with self._runtime.store.begin() as tx:
            around = ways(tx, plan, account)
            name = tx.cases.account_name(account)
        with self._works.look() as here:
            sight = planner(here).look(
                plan.system,
                plan.text,
                account,
                described=described(here, plan.system, plan.text),
            )
        because = sight.because if isinstance(sight, Missing) else None
        planned = next((one for one in plan.records if one.account == account), None)
        return self._texts.show(
            request,
            "plan_account.html",
            seen,
            plan=plan,
            account=account,
            name=name or f"Account {account}",
            ways=around,
            sight=sight,
            because=because,
            lines=()
            if isinstance(sight, Missing)
            else lines(sight, mapping, payments=NAMES.payments, crm=seen.title),
            payloads=()
            if isinstance(sight, Missing)
            else [
                (
                    NAMES.payments if not one.system else seen.title,
                    one.record,
                    json.dumps(one.values, indent=2, ensure_ascii=False, default=str),
                )
                for one in sight.payloads
            ],
            trials=trials(self._runtime, plan.system, account),
            trial=() if isinstance(sight, Missing) else tuple(trial_values(sight)),
            trial_seen="" if isinstance(sight, Missing) else digest_of(trial_values(sight)),
            needs_another=self.needs_another(request.state.session, stored),
            is_as_planned=isinstance(sight, Missing)
            or {one for one in sight.fields if one.change is not Change.NO_OP}
            == set(planned.fields if planned else ()),
            tab="plan",
        )

    def _work(self, request: Request) -> Response:
        work = self._works.get(request.path_params["id"])
        if work is None:
            raise HTTPException(404, "This look is forgotten. The list of plans has what it made.")
        if work.is_over and work.problem is None:
            return RedirectResponse(work.address, 303)
        with self._runtime.store.begin() as tx:
            around = frame(tx, self._runtime)
        problem = work.problem if work.is_over else None
        return self._pages.show(
            request,
            "work.html",
            around,
            status=409 if problem is not None else 200,
            work=work,
            problem=problem,
            lines=problem.lines if isinstance(problem, NotApplied) else (),
        )

    # -- what people do

    async def _make(self, request: Request) -> Response:
        _, session = await admin_form(request)
        seen = await run_in_threadpool(self._texts.seen, request)
        system, text, by = seen.system, seen.text, session.by
        if not seen.reading.is_usable:
            raise FormRefused(409, "The draft has mistakes. Correct them, then plan it.")
        self._refuse_shared(session)

        def look(here: Runtime, progress: Progress) -> str:
            plan = make_plan(here, system, text, progress=progress)
            keep(here, plan, by=by)
            return f"/mappings/{system}/plans/{plan.id}"

        what = f"Looking at live records for a plan of {seen.title}'s mapping"
        return await self._begun(self._works.begin(what, look, back=f"/mappings/{system}/plans"))

    async def _apply(self, request: Request) -> Response:
        form, session = await admin_form(request)
        seen = await run_in_threadpool(self._texts.seen, request)
        stored = await run_in_threadpool(self.kept, request)
        note = told(form, "note", what="The note")
        fill = form.get("fill", "")
        if fill not in ("now", "later"):
            raise FormRefused(400, "Say whether existing records are filled now or later.")
        past_limits = form.get("past_limits") == "yes"
        system, by, runtime = seen.system, session.by, self._runtime
        self._refuse_shared(session)

        def carry(here: Runtime, progress: Progress) -> str:
            done = apply_kept(
                here,
                stored,
                note=note,
                by=by,
                fill=fill == "now",
                past_limits=past_limits,
                progress=progress,
            )
            drop_carried_out(runtime, system, stored.plan.text, people={stored.author, by})
            return f"/mappings/{system}/history?done={'applied' if done.is_new else 'known'}"

        what = f"Looking once more whether plan {stored.plan.id} still holds, and applying it"
        back = f"/mappings/{system}/plans/{stored.plan.id}"
        return await self._begun(self._works.begin(what, carry, back=back))

    async def _begun(self, work: Work) -> Response:
        await run_in_threadpool(work.wait, self._works.patience)
        return RedirectResponse(f"/works/{work.id}", 303)

    def needs_another(self, session: Session, stored: Kept) -> str:
        """Why this person alone may not apply the plan; empty if they may."""
        if not self._runtime.settings.two_person_mappings:
            return ""
        if not session.is_named:
            return "Two people must agree. Log in with a token of your own."
        if stored.author == session.by:
            return (
                "Two people must agree, and you made this plan. Send its address to another admin."
            )
        return ""

    def _refuse_shared(self, session: Session) -> None:
        """Where two people must agree, a name that somebody typed proves nothing."""
        if self._runtime.settings.two_person_mappings and not session.is_named:
            raise FormRefused(403, "Two people must agree. Log in with a token of your own.")

    def kept(self, request: Request) -> Kept:
        """The plan that the page is about."""
        id = request.path_params["id"]
        found = kept(self._runtime, id) if PLAN_ID.fullmatch(id) else None
        if found is None or found.plan.system != request.path_params["crm"]:
            raise HTTPException(404, "There is no plan with this id.")
        return found


def _is_shown(record: PlannedRecord, show: str) -> bool:
    if show == "rejected":
        return is_rejected(record)
    return record.is_written if show == "changed" else True


def _page(request: Request, found: int) -> int:
    asked = request.query_params.get("page", "1")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1
    return min(max(1, number), max(1, -(-found // SHOWN)))
