"""Every call is versioned, limited in time, sent once, and tells no secret."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.utils import formatdate
from typing import Any

import pytest
import redis

from connectors.hubspot.client import API_VERSION, versioned
from connectors.hubspot.quota import limits_for
from connectors.kit.limits import SharedLimiter, Unlimited
from domain.boundary import HttpInTransaction, transaction_open
from domain.errors import Bug, KidgloveError, Misconfigured, RateLimited, Transient, Unauthorized
from domain.ports import FieldsChange, Receipt, TaskChange
from simulators.faults import Fault, Harm
from simulators.hubspot.troubles import whole
from tests.connectors.hubspot_stage import CUSTOMER, HASTY, PLAN, START, Stage, staged

READ = r".*/companies/batch/read"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


class Listening(Unlimited):
    """A limiter that writes down what it is told."""

    def __init__(self) -> None:
        self.paused: list[timedelta] = []
        self.reported: list[tuple[int, int | None]] = []
        self.taken = 0

    def acquire(self, urgent: bool = False) -> None:
        self.taken += 1

    def pause(self, after: timedelta) -> None:
        self.paused.append(after)

    def report(self, *, used: int, limit: int | None = None) -> None:
        self.reported.append((used, limit))


@pytest.mark.parametrize(
    ("path", "then"),
    [
        ("/crm/v3/objects/companies/batch/read", "/crm/objects/V/companies/batch/read"),
        ("/crm/v4/associations/a/b/batch/read", "/crm/associations/V/a/b/batch/read"),
        ("/crm/v4/objects/a/1/associations/b", "/crm/objects/V/a/1/associations/b"),
        ("/crm/v3/properties/tasks/groups", "/crm/properties/V/tasks/groups"),
        ("/crm/v3/owners/", "/crm/owners/V"),
        ("/crm/v3/owners/7", "/crm/owners/V/7"),
        ("/crm/v3/pipelines/tickets", "/crm/pipelines/V/tickets"),
        ("/account-info/V/details", "/account-info/V/details"),
    ],
)
def test_the_librarys_path_becomes_the_one_of_our_version(path: str, then: str) -> None:
    assert versioned(path.replace("V", API_VERSION)) == then.replace("V", API_VERSION)


def test_a_path_that_the_map_does_not_know_is_a_bug() -> None:
    with pytest.raises(Bug):
        versioned("/crm/v3/lists/")


def test_every_request_goes_to_the_pinned_version(stage: Stage) -> None:
    connector = stage.connector()
    stage.read(connector)
    connector.write([TaskChange(key="k", account=stage.ref, subject="x")])
    connector.changes(None, now=stage.clock.now())
    connector.examine()
    other = [one.path for one in stage.sim.requests if API_VERSION not in one.path]
    assert all(path.startswith("/oauth/") for path in other)


def test_nothing_is_called_while_a_transaction_is_open(stage: Stage) -> None:
    with transaction_open("test"), pytest.raises(HttpInTransaction):
        stage.connector().changes(None, now=stage.clock.now())


def test_a_silent_vendor_costs_no_more_than_the_time_limit(stage: Stage) -> None:
    stage.sim.faults.arm(Fault(harm=Harm.TIMEOUT_BEFORE, seconds=0.8, times=None))
    with pytest.raises(Transient):
        stage.connector(timeouts=HASTY).changes(None, now=stage.clock.now())


def test_a_read_is_repeated_briefly_and_then_raised(stage: Stage) -> None:
    connector = stage.connector()
    stage.sim.faults.arm(whole("unavailable", path=READ, times=2))
    stage.read(connector)
    stage.sim.faults.arm(whole("unavailable", path=READ, times=None))
    connector.calls.clear()
    with pytest.raises(Transient):
        stage.read(connector)
    assert connector.calls["companies.read"] == 3


@pytest.mark.parametrize("harm", [Harm.HTML, Harm.RESET_BEFORE])
def test_a_broken_answer_to_a_read_is_asked_for_again(stage: Stage, harm: Harm) -> None:
    stage.sim.faults.arm(Fault(harm=harm, status=502, path=READ))
    assert stage.read(stage.connector()).name == "Aurelius Partners"


def test_a_page_where_json_should_stand_is_no_answer(stage: Stage) -> None:
    stage.sim.faults.arm(Fault(harm=Harm.HTML, status=200, path=READ, times=None))
    with pytest.raises(Transient):
        stage.read(stage.connector())


def test_no_server_at_all_is_transient(stage: Stage) -> None:
    connector = stage.connector()
    stage.sim.stop()
    with pytest.raises(Transient):
        connector.changes(None, now=stage.clock.now())


@pytest.mark.parametrize(
    ("name", "seconds", "search"),
    [
        ("ten_secondly", 10, False),
        ("daily", 900, False),
        ("locked", 2, False),
        ("migration", 3600, False),
        ("secondly", 1, True),
    ],
)
def test_a_pause_is_told_to_whom_it_concerns(
    stage: Stage, name: str, seconds: int, search: bool
) -> None:
    ours, searches = Listening(), Listening()
    connector = stage.connector(limiter=ours, search_limiter=searches)
    stage.sim.faults.arm(whole(name, path=r".*/search" if search else READ, times=None))
    with pytest.raises(RateLimited):
        connector.changes(None, now=START) if search else stage.read(connector)
    told, untold = (searches, ours) if search else (ours, searches)
    assert set(told.paused) == {timedelta(seconds=seconds)}
    assert untold.paused == []


@pytest.mark.parametrize("name", ["ten_secondly", "secondly", "daily", "locked", "migration"])
def test_a_wait_that_is_told_takes_the_place_of_ours(stage: Stage, name: str) -> None:
    limiter = Listening()
    stage.sim.faults.arm(whole(name, path=READ, retry_after=77, times=None))
    with pytest.raises(RateLimited) as refused:
        stage.read(stage.connector(limiter=limiter))
    assert refused.value.after == timedelta(seconds=77)
    assert set(limiter.paused) == {timedelta(seconds=77)}


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("9999999", 86_400),
        ("Fri, 20 Nov 2026 13:00:00 GMT", 10),
        ("soon", 10),
        ("", 10),
    ],
)
def test_a_wait_that_is_no_good_is_ours_and_none_is_longer_than_a_day(
    stage: Stage, said: str, seconds: int
) -> None:
    assert told_to_wait(stage, said) == timedelta(seconds=seconds)


def test_a_wait_until_a_moment_is_counted_from_the_answers_own(stage: Stage) -> None:
    told = told_to_wait(stage, formatdate(time.time() + 120, usegmt=True))
    assert timedelta(seconds=110) < told <= timedelta(seconds=120)


def told_to_wait(stage: Stage, said: str) -> timedelta:
    """The pause after a 429 with this Retry-After."""
    stage.sim.faults.arm(
        Fault(harm=Harm.STATUS, status=429, headers={"Retry-After": said}, path=READ, times=None)
    )
    limiter = Listening()
    with pytest.raises(RateLimited):
        stage.read(stage.connector(limiter=limiter))
    [pause] = set(limiter.paused)
    return pause


def test_the_days_calls_are_reported_from_every_answer(stage: Stage) -> None:
    limiter = Listening()
    stage.read(stage.connector(limiter=limiter))
    assert limiter.reported[-1] == (stage.sim.api_calls, int(650_000 * 0.95))


def test_calls_go_on_when_the_portals_own_day_has_ended(stage: Stage, redis_url: str) -> None:
    one = redis.Redis.from_url(redis_url)
    limiter = SharedLimiter(one, limits_for(), vendor="hubspot", credential="key")
    stage.sim.use_up_daily(left=1_000)
    with pytest.raises(RateLimited, match="day"):
        stage.read(stage.connector(limiter=limiter))
    stage.clock.advance(timedelta(hours=15))
    soon = replace(limits_for(), recheck=timedelta(milliseconds=50))
    later = SharedLimiter(one, soon, vendor="hubspot", credential="key")
    time.sleep(0.1)
    assert stage.read(stage.connector(limiter=later)).name == "Aurelius Partners"
    limiter.acquire()


def test_a_search_asks_both_limits(stage: Stage) -> None:
    ours, searches = Listening(), Listening()
    connector = stage.connector(limiter=ours, search_limiter=searches)
    connector.accounts_on_hold(plan=PLAN, words=["in_resolution"])
    assert searches.taken == connector.calls["search"] == 1


def test_a_missing_scope_is_named(stage: Stage) -> None:
    stage.sim.revoke_scope("crm.objects.owners.read")
    with pytest.raises(Misconfigured) as refused:
        stage.read(stage.connector())
    assert "crm.objects.owners.read" in refused.value.remedy


# ---------------------------------------------------------------- secrets


def test_no_error_and_no_log_line_tells_the_token(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    connector = stage.connector(timeouts=HASTY)
    told: list[str] = []
    for fault in (
        whole("token_expired", times=1),
        whole("conflict", times=None),
        whole("internal", times=None),
        Fault(harm=Harm.TIMEOUT_BEFORE, seconds=0.8, times=None),
    ):
        stage.sim.faults.clear()
        stage.sim.faults.arm(fault)
        try:
            connector.read_accounts(customers=[CUSTOMER], plan=PLAN)
        except KidgloveError as problem:
            told += [repr(problem), problem.message, problem.remedy, _whole_chain(problem)]
    stage.sim.faults.clear()
    connector.examine()
    said = " ".join([*told, caplog.text, repr(connector), repr(vars(connector))])
    assert stage.sim.service_key not in said
    assert len(told) == 16


def test_no_address_carries_the_token(stage: Stage) -> None:
    connector = stage.connector()
    stage.read(connector)
    connector.examine()
    said = [str(one.path) for one in stage.sim.requests]
    assert not [one for one in said if stage.sim.service_key in one]


def test_no_error_tells_what_was_written(stage: Stage) -> None:
    stage.sim.faults.arm(whole("conflict", times=None, path=r".*/companies/batch/update"))
    [answer] = stage.connector().write(
        [FieldsChange(account=stage.ref, values={"kidglove_last_failure": "Ana Lima said no"})]
    )
    assert not isinstance(answer, Receipt)
    assert "Ana" not in f"{answer!r}{answer.message}{answer.remedy}"


def test_a_rotated_key_stops_at_once_and_a_new_one_goes_on(stage: Stage) -> None:
    old = stage.connector()
    stage.read(old)
    new = stage.sim.rotate_key()
    with pytest.raises(Unauthorized):
        stage.read(old)
    assert stage.read(stage.connector(token=new)).name == "Aurelius Partners"


def _whole_chain(problem: BaseException) -> str:
    parts: list[Any] = []
    one: BaseException | None = problem
    while one is not None:
        parts += [repr(one), str(one), json.dumps([str(arg) for arg in one.args])]
        one = one.__cause__ or one.__context__
    return " ".join(map(str, parts))
