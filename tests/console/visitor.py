"""Somebody with a browser: loads pages, reads them, and sends the forms that are on them."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
from lxml import html
from starlette.testclient import TestClient

from console.access import Access
from console.app import Console
from console.people import People
from console.works import Works
from jobs.runtime import Runtime

TOKEN = "token-of-the-tests"
HOME = "http://127.0.0.1:8401"


@dataclass
class Page:
    """One answer, as a person and as a program see it."""

    answer: httpx.Response

    @property
    def status(self) -> int:
        """The status code."""
        return self.answer.status_code

    @property
    def tree(self) -> html.HtmlElement:
        """The parsed page."""
        return html.document_fromstring(self.answer.text)

    @property
    def text(self) -> str:
        """Everything there is to read, as one line."""
        return " ".join(str(self.tree.text_content()).split())

    def texts(self, xpath: str) -> list[str]:
        """The text of each element found."""
        return [" ".join(str(one.text_content()).split()) for one in self.tree.xpath(xpath)]

    def section(self, heading: str) -> str:
        """The text of the section under this heading."""
        found = self.texts(f"//section[h2[contains(normalize-space(.), '{heading}')]]")
        assert len(found) == 1, self.texts("//h2")
        return found[0]


class Visitor:
    """One browser, which nobody has logged in yet. `seconds` moves the clock of its session."""

    def __init__(self, runtime: Runtime, works: Works | None = None) -> None:
        self.seconds = 0.0
        people = People(shared=TOKEN, people=runtime.settings.console_people)
        access = Access(people, now=lambda: self.seconds)
        self.client = TestClient(
            Console(runtime, token=TOKEN, access=access, works=works).app(),
            base_url=HOME,
            raise_server_exceptions=False,
        )

    def enter(self, name: str = "Dana", *, token: str = TOKEN, back: str = "/") -> Page:
        """Log in."""
        fields = {"name": name, "token": token, "next": back}
        return Page(self.client.post("/login", data=fields))

    def page(self, path: str) -> Page:
        """Load a page."""
        return Page(self.client.get(path))

    def send(self, path: str, action: str, **fields: str) -> Page:
        """Load a page and send the form with this action on it, filled in."""
        forms = self.page(path).tree.xpath(f"//form[@action='{action}']")
        assert len(forms) == 1, f"{path} has {len(forms)} forms for {action}"
        return Page(self.client.post(action, data={**dict(forms[0].fields), **fields}))
