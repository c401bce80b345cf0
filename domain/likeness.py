"""When two records look like one company: good enough to ask a person, never to decide."""

from __future__ import annotations

import re

LEGAL_FORMS = frozenset(
    "ab ag as bv co company corp corporation gmbh group holding holdings inc incorporated kg "
    "limited llc llp ltd nv oy plc pty sa sarl sas spa srl the".split()
)
"""Words that one system writes and the other leaves out; few companies differ in them alone."""
SHARED_DOMAINS = frozenset(
    "aol.com gmail.com gmx.de gmx.net googlemail.com hotmail.com icloud.com live.com mail.com "
    "me.com msn.com outlook.com proton.me protonmail.com qq.com web.de yahoo.com yandex.ru".split()
)
"""Mail domains of everybody: what they have in common says nothing."""
_WORD = re.compile(r"[^\W_]+")
_SITE = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:www\.)?([^/:?#\s]+)", re.IGNORECASE)


def plain_name(text: str | None) -> str:
    """A company's name without case, punctuation and legal form; empty if nothing is left."""
    words = _WORD.findall((text or "").replace(".", "").replace("'", "").casefold())
    return " ".join(word for word in words if word not in LEGAL_FORMS)


def mail_domain(address: str | None) -> str | None:
    """The domain of a mail address, None if it belongs to everybody or there is none."""
    _, at, domain = (address or "").strip().rpartition("@")
    found = domain.casefold().rstrip(".")
    return found if at and "." in found and found not in SHARED_DOMAINS else None


def site_domain(text: str | None) -> str | None:
    """The domain of a website as people write it, with or without its beginning."""
    found = _SITE.match((text or "").strip())
    domain = found.group(1).casefold().rstrip(".") if found else ""
    return domain if "." in domain else None
