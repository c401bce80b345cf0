"""Parked and dead effects: by cause, and sent again exactly as they were seen."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.effects import Effect, EffectKind
from domain.errors import KidgloveError, Misconfigured, Rejected, Transient
from domain.ids import AccountId, Ref
from domain.rows import EffectState
from jobs.runtime import Runtime
from tests.console.visitor import Visitor

NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


@pytest.fixture
def visitor(stranger: Visitor) -> Visitor:
    """Dana, logged in, in front of an installation without vendors."""
    stranger.enter()
    return stranger


def account(runtime: Runtime, name: str = "Aurelius Partners") -> AccountId:
    """An account of this name."""
    with runtime.store.begin() as tx:
        return tx.links.open_account(Ref("stripe", "customer", name), now=NOW, name=name)


def stuck(
    runtime: Runtime,
    owner: AccountId,
    subject: str,
    error: KidgloveError,
    *,
    state: EffectState = EffectState.PARKED,
    key: str | None = None,
) -> int:
    """One effect that was given up: a task or an invoice, by its subject."""
    is_task = subject.startswith("task:")
    with runtime.store.begin() as tx:
        tx.effects.add(
            owner,
            Effect(
                kind=EffectKind.KEEP_TASK if is_task else EffectKind.QUIET_INVOICE,
                subject=subject,
                key=key or subject,
                rule="a.rule",
            ),
            case_id=None,
            system="salesforce" if is_task else "stripe",
            state=EffectState.WAITING,
            cause="a test",
            config_version="policy:default",
            now=NOW,
        )
        (found,) = [one for one in tx.effects.of_account(owner) if one.key == (key or subject)]
        tx.effects.start([found.id])
        tx.effects.finish(found.id, state, now=NOW, error=error)
    return found.id


def states(runtime: Runtime, owner: AccountId) -> list[EffectState]:
    """Where the account's effects stand, the oldest first."""
    with runtime.store.begin() as tx:
        return [one.state for one in reversed(tx.effects.of_account(owner))]


def dirty(runtime: Runtime) -> dict[str, int]:
    """How many lanes of each kind wait."""
    with runtime.store.begin() as tx:
        return dict(tx.lanes.dirty_count())


def test_what_is_stuck_is_grouped_by_system_and_cause(runtime: Runtime, visitor: Visitor) -> None:
    owner = account(runtime)
    stuck(runtime, owner, "task:kg-1", Rejected("the task needs a phone number"))
    stuck(runtime, owner, "task:kg-2", Rejected("the task needs a phone number"))
    stuck(runtime, owner, "invoice:in_1", Transient("no answer"), state=EffectState.DEAD)

    page = visitor.page("/dead")

    assert page.texts("//h2") == [
        "Salesforce, rejected: write the task (2)",
        "Stripe, transient: switch automatic collection off (1)",
    ]
    assert "the task needs a phone number" in page.section("Salesforce, rejected")
    assert "Sends 2 effects to Salesforce again" in page.section("Salesforce, rejected")
    assert "1 account in all" in page.section("Salesforce, rejected")
    assert "dead" in page.section("Stripe, transient")


@pytest.mark.req("R22", partly="only the replay is proven here")
def test_one_effect_is_sent_again_with_a_line_in_the_audit(
    runtime: Runtime, visitor: Visitor
) -> None:
    owner = account(runtime)
    id = stuck(runtime, owner, "invoice:in_1", Transient("no answer"), state=EffectState.DEAD)
    stuck(runtime, owner, "invoice:in_2", Transient("no answer"), state=EffectState.DEAD)

    page = visitor.send("/dead", f"/dead/{id}/replay")

    assert "comes back to this page" in page.text
    assert states(runtime, owner) == [EffectState.WAITING, EffectState.DEAD]
    assert dirty(runtime) == {"stripe": 1}
    with runtime.store.begin() as tx:
        (line,) = tx.audit.of_account(owner)
    assert (line.actor, line.kind, line.text) == (
        "Dana",
        "effect.replayed",
        "quiet_invoice invoice:in_1",
    )


def test_all_alike_are_sent_again_and_no_others(runtime: Runtime, visitor: Visitor) -> None:
    owner, other = account(runtime), account(runtime, "Northgate")
    stuck(runtime, owner, "task:kg-1", Rejected("no phone number"))
    last = stuck(runtime, other, "task:kg-2", Rejected("no phone number"))
    stuck(runtime, owner, "invoice:in_1", Rejected("no"))

    visitor.send("/dead", f"/dead/{last}/replay-alike")

    assert states(runtime, owner) == [EffectState.WAITING, EffectState.PARKED]
    assert states(runtime, other) == [EffectState.WAITING]
    assert dirty(runtime) == {"salesforce": 2}


def test_nothing_is_sent_if_the_group_is_another_by_now(runtime: Runtime, visitor: Visitor) -> None:
    owner = account(runtime)
    first = stuck(runtime, owner, "task:kg-1", Rejected("no phone number"))
    last = stuck(runtime, owner, "task:kg-2", Rejected("no phone number"))
    form = visitor.page("/dead").tree.xpath(f"//form[@action='/dead/{last}/replay-alike']")[0]
    with runtime.store.begin() as tx:
        tx.effects.replay(first)

    answer = visitor.client.post(f"/dead/{last}/replay-alike", data=dict(form.fields))

    assert answer.status_code == 409
    assert states(runtime, owner) == [EffectState.WAITING, EffectState.PARKED]


def test_what_failed_after_the_look_is_left_for_the_next(
    runtime: Runtime, visitor: Visitor
) -> None:
    owner = account(runtime)
    stuck(runtime, owner, "task:kg-1", Rejected("no phone number"))
    last = stuck(runtime, owner, "task:kg-2", Rejected("no phone number"))
    form = visitor.page("/dead").tree.xpath(f"//form[@action='/dead/{last}/replay-alike']")[0]
    stuck(runtime, owner, "task:kg-3", Rejected("no phone number"))

    visitor.client.post(f"/dead/{last}/replay-alike", data=dict(form.fields))

    assert states(runtime, owner) == [
        EffectState.WAITING,
        EffectState.WAITING,
        EffectState.PARKED,
    ]


def test_an_old_text_of_a_task_is_dropped_instead_of_put_over_the_new_one(
    runtime: Runtime, visitor: Visitor
) -> None:
    owner = account(runtime)
    stuck(runtime, owner, "task:kg-1", Rejected("no phone number"), key="old")
    last = stuck(runtime, owner, "task:kg-1", Rejected("no phone number"), key="new")
    page = visitor.page("/dead")
    # The old one gave way as soon as the new one was made.
    assert "Sends 1 effect again" in page.text

    visitor.send("/dead", f"/dead/{last}/replay")

    assert states(runtime, owner) == [EffectState.SUPERSEDED, EffectState.WAITING]
    assert dirty(runtime) == {"salesforce": 1}


def test_a_new_configuration_sends_only_the_newest_text_of_a_task(runtime: Runtime) -> None:
    owner = account(runtime)
    stuck(runtime, owner, "task:kg-1", Misconfigured("no such field"), key="old")
    stuck(runtime, owner, "task:kg-1", Misconfigured("no such field"), key="new")

    runtime.actions.apply_config("policy", "policy: x", by="Dana", note="corrected")

    assert states(runtime, owner) == [EffectState.SUPERSEDED, EffectState.WAITING]


def test_an_effect_that_is_not_stuck_any_more_is_not_sent_twice(
    runtime: Runtime, visitor: Visitor
) -> None:
    owner = account(runtime)
    id = stuck(runtime, owner, "invoice:in_1", Transient("no answer"), state=EffectState.DEAD)
    csrf = visitor.page("/dead").tree.xpath("//input[@name='csrf']/@value")[0]
    visitor.client.post(f"/dead/{id}/replay", data={"csrf": csrf})

    answer = visitor.client.post(f"/dead/{id}/replay", data={"csrf": csrf})

    assert answer.status_code == 409


def test_the_navigation_counts_what_is_stuck(runtime: Runtime, visitor: Visitor) -> None:
    stuck(runtime, account(runtime), "task:kg-1", Rejected("no"))

    assert "Stuck 1" in visitor.page("/").texts("//header//a")
