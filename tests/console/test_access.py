"""Who gets in, what a stranger learns, and what a form must carry."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.access import SESSION_S, WRONG_TRIES, WRONG_WINDOW_S
from jobs.runtime import Runtime
from tests.console.visitor import TOKEN, Page, Visitor

NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


def test_a_stranger_is_sent_to_the_login_from_everywhere(stranger: Visitor) -> None:
    asked = "/ /cases/kg-in_1 /alerts /dead /health /nowhere /static/other".split()

    answers = [stranger.client.get(path, follow_redirects=False) for path in asked]

    assert {one.status_code for one in answers} == {303}
    assert {one.headers["location"].partition("?")[0] for one in answers} == {"/login"}
    assert {one.text for one in answers} == {""}


def test_a_stranger_changes_nothing(stranger: Visitor) -> None:
    asked = "/cases/kg-in_1/note /alerts/1/acknowledge /dead/1/replay /logout".split()

    answers = [
        stranger.client.post(path, data={"text": "x"}, follow_redirects=False) for path in asked
    ]

    assert {one.headers["location"] for one in answers} == {"/login"}


def test_the_token_opens_the_page_that_was_asked_for(stranger: Visitor) -> None:
    asked = stranger.page("/alerts")
    back = asked.tree.xpath("//input[@name='next']/@value")[0]

    answer = stranger.enter(back=back)

    assert answer.answer.url.path == "/alerts"
    assert answer.status == 200


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(stranger: Visitor) -> None:
    answer = stranger.client.post(
        "/login", data={"name": "Dana", "token": TOKEN}, follow_redirects=False
    )

    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= attributes


def test_a_wrong_token_opens_nothing(stranger: Visitor) -> None:
    answer = stranger.enter(token="not-the-token-of-the-tests")

    assert answer.status == 403
    assert "set-cookie" not in answer.answer.headers
    assert stranger.page("/").answer.url.path == "/login"


def test_a_visitor_without_a_name_is_asked_for_it(stranger: Visitor) -> None:
    assert stranger.enter(" \u200b ").status == 400


def test_guessing_is_braked_for_the_right_token_too(stranger: Visitor) -> None:
    for number in range(WRONG_TRIES):
        stranger.enter(token=f"guess-{number}")

    answer = stranger.enter()

    assert answer.status == 429
    assert answer.answer.headers["retry-after"] == str(WRONG_WINDOW_S)


def test_the_brake_is_off_after_its_time(stranger: Visitor) -> None:
    for number in range(WRONG_TRIES):
        stranger.enter(token=f"guess-{number}")
    stranger.seconds += WRONG_WINDOW_S

    assert stranger.enter().status == 200


def test_a_session_ends_with_the_working_day(stranger: Visitor) -> None:
    stranger.enter()
    stranger.seconds += SESSION_S

    assert stranger.page("/").answer.url.path == "/login"


def test_logging_out_ends_the_session_and_not_only_the_cookie(stranger: Visitor) -> None:
    stranger.enter()
    cookies = dict(stranger.client.cookies)
    stranger.send("/", "/logout")
    stranger.client.cookies.update(cookies)

    assert stranger.page("/").answer.url.path == "/login"


def test_the_login_never_leads_away(stranger: Visitor) -> None:
    fields = {"name": "Dana", "token": TOKEN}
    asked = ["//evil.example", "https://evil.example/", "/\\evil.example", "evil", "/\tx"]

    answers = [
        stranger.client.post("/login", data={**fields, "next": back}, follow_redirects=False)
        for back in asked
    ]

    assert {one.headers["location"] for one in answers} == {"/"}


class TestForms:
    """An alert stands for everything that can be changed."""

    @pytest.fixture
    def inside(self, stranger: Visitor, runtime: Runtime) -> Visitor:
        """Dana, logged in, with one open alert."""
        with runtime.store.begin() as tx:
            tx.audit.raise_alert("k", "Look here", rule="a.rule", now=NOW, account=None)
        stranger.enter()
        return stranger

    def open_alerts(self, runtime: Runtime) -> int:
        """How many nobody has read."""
        with runtime.store.begin() as tx:
            return len(tx.audit.alerts())

    def test_a_form_of_this_session_is_acted_on(self, inside: Visitor, runtime: Runtime) -> None:
        assert inside.send("/alerts", "/alerts/1/acknowledge").status == 200
        assert self.open_alerts(runtime) == 0

    def test_a_form_without_the_sessions_token_is_refused(
        self, inside: Visitor, runtime: Runtime
    ) -> None:
        answers = [
            inside.client.post("/alerts/1/acknowledge", data={"csrf": csrf})
            for csrf in ("", "x", "é")
        ]

        assert {one.status_code for one in answers} == {403}
        assert self.open_alerts(runtime) == 1

    def test_the_token_of_another_session_is_refused(
        self, inside: Visitor, runtime: Runtime
    ) -> None:
        other = inside.page("/").tree.xpath("//input[@name='csrf']/@value")[0]
        inside.enter("Somebody else")

        answer = inside.client.post("/alerts/1/acknowledge", data={"csrf": other})

        assert answer.status_code == 403
        assert self.open_alerts(runtime) == 1

    def test_a_form_from_another_site_is_refused(self, inside: Visitor, runtime: Runtime) -> None:
        csrf = inside.page("/").tree.xpath("//input[@name='csrf']/@value")[0]

        answers = [
            inside.client.post(
                "/alerts/1/acknowledge", data={"csrf": csrf}, headers={"origin": origin}
            )
            for origin in ("https://evil.example", "null", "http://127.0.0.1:9999")
        ]

        assert {one.status_code for one in answers} == {403}
        assert self.open_alerts(runtime) == 1

    def test_an_endless_form_is_refused(self, inside: Visitor) -> None:
        answer = inside.client.post("/alerts/1/acknowledge", data={"csrf": "x" * 40_000})

        assert answer.status_code == 413

    def test_something_that_is_no_form_is_refused(self, inside: Visitor) -> None:
        assert inside.client.post("/alerts/1/acknowledge", json={"csrf": "x"}).status_code == 415


def test_another_name_for_this_machine_is_not_answered(stranger: Visitor) -> None:
    stranger.enter()
    names = ("evil.example", "127.0.0.1.evil.example:8401", "[")

    answers = [stranger.client.get("/", headers={"host": name}) for name in names]

    assert {one.status_code for one in answers} == {421}


def test_every_answer_carries_the_headers(stranger: Visitor) -> None:
    stranger.enter()
    asked = "/ /login /static/style.css /nowhere /cases/none".split()

    found = [stranger.page(path).answer.headers for path in asked]

    assert {one["content-security-policy"].partition(";")[0] for one in found} == {
        "default-src 'self'"
    }
    assert {one["x-frame-options"] for one in found} == {"DENY"}
    assert {one["cache-control"] for one in found} == {"no-store"}
    assert {one["x-content-type-options"] for one in found} == {"nosniff"}


def test_a_database_that_does_not_answer_is_said_politely(
    stranger: Visitor, runtime: Runtime
) -> None:
    stranger.enter()
    name = "postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=1"
    broken = Runtime(
        runtime.settings, database_url=name, redis_url=runtime.redis_url, clock=runtime.clock
    )
    other = Visitor(broken)

    answer = other.enter()

    assert answer.status == 503
    assert "does not answer" in answer.text
    assert answer.answer.headers["cache-control"] == "no-store"


def test_a_page_has_one_heading_and_names_for_everything_that_is_filled_in(
    stranger: Visitor,
) -> None:
    pages = [stranger.page("/login")]
    stranger.enter()
    pages += [stranger.page(path) for path in ("/", "/alerts", "/dead", "/health")]

    assert [len(page.texts("//h1")) for page in pages] == [1] * 5
    assert [page.tree.xpath("/html/@lang") for page in pages] == [["en"]] * 5
    assert [unnamed(page) for page in pages] == [[]] * 5


def unnamed(page: Page) -> list[str]:
    """Fields without a label."""
    labelled = set(page.tree.xpath("//label/@for"))
    fields = page.tree.xpath("//textarea | //select | //input[not(@type='hidden')]")
    return [str(one.get("name")) for one in fields if one.get("id") not in labelled]
