"""What stands before every page: the host, the session, and the headers of every answer."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.access import COOKIE, Access, Session

OPEN_PATHS = frozenset({"/login", "/static/style.css"})
"""What a stranger may see: the login page and its looks."""
API = "/api/"
"""Where programs come with a token in each request: no cookie is looked at, none is needed."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names under which a browser may ask: a page of somebody else cannot point its own name at us."""
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: a browser would then send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Wall:
    """The outermost layer, so that an error page carries the headers too.

    `public` is the address under which a proxy shows the console to people, if there is one.
    """

    def __init__(self, app: ASGIApp, access: Access, *, public: str = "") -> None:
        self._app = app
        self._access = access
        self._public = public
        name = _name(public) if public else None
        self._names = LOOPBACK | ({name} if name else frozenset())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on with `state.session` set (None on open paths and for programs)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        request = Request(scope)
        is_program = request.url.path.startswith(API)
        session = None if is_program else self._access.session(request.cookies.get(COOKIE))
        refusal = self._refusal(request, session, is_program)
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        scope.setdefault("state", {})["session"] = session
        await self._app(scope, receive, guarded)

    def _refusal(
        self, request: Request, session: Session | None, is_program: bool
    ) -> Response | None:
        host = request.headers.get("host", "")
        if _name(f"//{host}") not in self._names:
            return PlainTextResponse("The console answers on its own names only.\n", 421)
        if request.method not in ("GET", "HEAD"):
            origin = request.headers.get("origin")
            if origin is not None and not self._is_ours(origin, host):
                return PlainTextResponse("This form was sent by another site.\n", 403)
        if session is None and not is_program and request.url.path not in OPEN_PATHS:
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            back = f"?next={quote(asked)}" if request.method == "GET" and asked != "/" else ""
            return RedirectResponse(f"/login{back}", 303)
        return None

    def _is_ours(self, origin: str, host: str) -> bool:
        """A proxy may ask us under another name than the browser asked it."""
        return origin.partition("://")[2] == host or (
            bool(self._public) and origin == origin_of(self._public)
        )


def origin_of(address: str) -> str:
    """The scheme, name and port of an address, as a browser sends them."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
