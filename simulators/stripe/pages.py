"""What a customer sees in a browser: the portal link and the hosted invoice, served locally."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from simulators.stripe.errors import ApiError

if TYPE_CHECKING:
    from simulators.stripe.sim import StripeSim

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<body style="font-family:sans-serif;max-width:40em;margin:3em auto"><h1>{title}</h1>
<p>{text}</p>{form}<p><small>Simulated Stripe. No money moves here.</small></p></body></html>"""
_PAY = '<form method="post"><button>Pay {amount}</button></form>'
_CARD = """<form method="post"><label>Card <select name="card"><option>good</option>
<option>declines:insufficient_funds</option></select></label> <button>Save</button></form>"""
_LOGIN = '<form method="post"><label>E-mail <input name="email"></label> <button>Go</button></form>'


def page_routes(sim: StripeSim) -> list[Route]:
    """GET only looks, as a mail scanner does; POST is a person."""

    async def portal(request: Request) -> Response:
        url = request.path_params["session"]
        try:
            if request.method == "GET":
                seen = sim.scan_portal(url)
            else:
                form = await request.form()
                email, card = form.get("email"), form.get("card")
                seen = sim.customer_opens_portal(
                    url, email=str(email) if email else None, card=str(card) if card else None
                )
        except ApiError as error:
            return _page("This link leads nowhere", str(error), status=404)
        match seen:
            case "open" | "recovered":
                return _page("Update your payment method", "", form=_CARD)
            case "recoverable":
                return _page("Please confirm your e-mail address", "", form=_LOGIN)
            case "expired":
                return _page("This link has expired", "Ask for a new one.", status=410)

    async def invoice(request: Request) -> Response:
        id = request.path_params["invoice"]
        try:
            found = sim.get(id)
            if request.method == "POST":
                sim.customer_pays(id)
                found = sim.get(id)
        except (KeyError, ValueError) as error:
            return _page("Nothing to pay here", str(error), status=404)
        amount = f"{found['amount_remaining']} {found['currency']} (minor units)"
        form = _PAY.format(amount=escape(amount)) if found["status"] == "open" else ""
        return _page(f"Invoice {found['number']}", f"Status: {found['status']}", form=form)

    return [
        Route("/p/session/{session}", portal, methods=["GET", "POST"]),
        Route("/i/acct_sim/{invoice}", invoice, methods=["GET", "POST"]),
    ]


def _page(title: str, text: str, *, form: str = "", status: int = 200) -> HTMLResponse:
    page = _PAGE.format(title=escape(title), text=escape(text), form=form)
    return HTMLResponse(page, status_code=status)
