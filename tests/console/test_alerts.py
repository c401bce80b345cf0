"""Words to the administrators: on top of the list, and read by somebody with a name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.ids import Ref
from jobs.runtime import Runtime
from tests.console.visitor import Visitor

NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


@pytest.fixture
def visitor(stranger: Visitor) -> Visitor:
    """Dana, logged in, in front of an installation without vendors."""
    stranger.enter()
    return stranger


def alert(runtime: Runtime, text: str) -> None:
    """Tell the administrators."""
    with runtime.store.begin() as tx:
        owner = tx.links.open_account(Ref("stripe", "customer", "c"), now=NOW, name="Aurelius")
        tx.audit.raise_alert(text, text, rule="a.rule", now=NOW, account=owner)


def test_open_alerts_stand_above_everything_else(runtime: Runtime, visitor: Visitor) -> None:
    alert(runtime, "The credential is refused")

    page = visitor.page("/")

    assert page.texts("//h2")[0] == "1 open alert"
    assert "The credential is refused" in page.section("1 open alert")


def test_an_alert_that_somebody_read_says_who_and_leaves_the_top(
    runtime: Runtime, visitor: Visitor
) -> None:
    alert(runtime, "First")
    alert(runtime, "Second")

    page = visitor.send("/alerts", "/alerts/1/acknowledge")

    assert page.texts("//h1") == ["1 open alert"]
    assert "First" in page.texts("//details")[0]
    assert "by Dana" in page.texts("//details")[0]
    with runtime.store.begin() as tx:
        (open_alert,) = tx.audit.alerts()
        owner = tx.links.account_of(Ref("stripe", "customer", "c"))
        assert owner is not None
        (line,) = tx.audit.of_account(owner)
    assert open_alert.text == "Second"
    assert (line.actor, line.kind, line.text) == ("Dana", "alert.acknowledged", "First")


def test_reading_an_alert_twice_is_reading_it_once(runtime: Runtime, visitor: Visitor) -> None:
    alert(runtime, "First")
    csrf = visitor.page("/alerts").tree.xpath("//input[@name='csrf']/@value")[0]
    visitor.client.post("/alerts/1/acknowledge", data={"csrf": csrf})

    answer = visitor.client.post("/alerts/1/acknowledge", data={"csrf": csrf})

    assert answer.status_code == 200
    with runtime.store.begin() as tx:
        owner = tx.links.account_of(Ref("stripe", "customer", "c"))
        assert owner is not None
        assert len(tx.audit.of_account(owner)) == 1


def test_markup_in_an_alert_is_text(runtime: Runtime, visitor: Visitor) -> None:
    alert(runtime, "<script>alert('x')</script>")

    page = visitor.page("/")

    assert "<script>alert('x')</script>" in page.section("1 open alert")
    assert page.tree.xpath("//script") == []


def test_only_the_first_alerts_are_listed_above_the_cases(
    runtime: Runtime, visitor: Visitor
) -> None:
    alert(runtime, "1")
    alert(runtime, "2")
    alert(runtime, "3")
    alert(runtime, "4")
    alert(runtime, "5")
    alert(runtime, "6")

    page = visitor.page("/")

    assert page.texts("//li[@class='alert']/p[1]") == ["6", "5", "4", "3", "2"]
    assert page.texts("//section[1]//a[@href='/alerts']") == ["All alerts"]
