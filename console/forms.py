"""Reading a form that a person sent: small, ours, and with plain lines in it."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from console.access import Session
from domain.wording import clean

LONGEST_FORM = 32_768
"""Bytes; the longest note is an eighth of it."""
LONGEST_TEXT_FORM = 1_000_000
"""Bytes of a form with a whole mapping in it: each sign may take three on its way."""
LONGEST_TEXT = 2_000
"""Characters of a note or a reason: about a page, and the task has room for several."""
MANY_FIELDS = 20


class FormRefused(Exception):
    """The form is not acted on; the text says why, and what to do."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class NotAllowed(Exception):
    """This person may look at it, and not change it."""


async def read_form(request: Request, *, longest: int = LONGEST_FORM) -> Mapping[str, str]:
    """The fields of a form, the last of each name. `FormRefused` if it is too large or no form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise FormRefused(415, "Only forms of this console are read.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > longest:
            raise FormRefused(413, "That is too long. Shorten it and send it again.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MANY_FIELDS)
    except ValueError as problem:
        raise FormRefused(400, "The form cannot be read.") from problem
    return dict(pairs)


async def own_form(
    request: Request, *, longest: int = LONGEST_FORM
) -> tuple[Mapping[str, str], Session]:
    """The fields of a form that carries its session's token, with that session."""
    session: Session = request.state.session
    form = await read_form(request, longest=longest)
    if not hmac.compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
        raise FormRefused(
            403, "This form does not belong to your session. Load the page again, then send it."
        )
    return form, session


async def admin_form(
    request: Request, *, longest: int = LONGEST_FORM
) -> tuple[Mapping[str, str], Session]:
    """The same for what only an admin may do. `NotAllowed` for everybody else, whatever is in the
    form."""
    session: Session = request.state.session
    if not session.is_admin:
        raise NotAllowed(session.by)
    return await own_form(request, longest=longest)


def told(form: Mapping[str, str], field: str, *, what: str) -> str:
    """The text that a person must give, as one clean line."""
    text = clean(form.get(field, ""))
    if not text:
        raise FormRefused(400, f"{what} is missing. Go back and write it.")
    if len(text) > LONGEST_TEXT:
        raise FormRefused(
            400, f"{what} has {len(text)} characters; at most {LONGEST_TEXT} fit. Shorten it."
        )
    return text
