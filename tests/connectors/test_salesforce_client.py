"""The gate: tokens, limits, broken connections, and what is said to the org on every call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import redis

from connectors.kit.limits import Unlimited
from connectors.salesforce.client import API_VERSION
from connectors.salesforce.manifest import MANIFEST
from connectors.salesforce.quota import DEFAULT_LIMITS, Budget, budget_of
from domain.errors import Bug, Misconfigured, OutcomeUnknown, RateLimited, Transient, Unauthorized
from domain.ports import FieldsChange, Receipt
from simulators.faults import Fault, Harm
from tests.connectors.salesforce_stage import CUSTOMER, HASTY, PLAN, Stage, staged


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


class Watched(Unlimited):
    """A limiter that remembers what it was told."""

    def __init__(self) -> None:
        self.urgent: list[bool] = []
        self.pauses: list[timedelta] = []
        self.reports: list[tuple[int, int | None]] = []

    @contextmanager
    def slot(self, urgent: bool = False) -> Iterator[None]:
        self.urgent.append(urgent)
        yield

    def pause(self, after: timedelta) -> None:
        self.pauses.append(after)

    def report(self, *, used: int, limit: int | None = None) -> None:
        self.reports.append((used, limit))


def session_error(text: str) -> list[dict[str, str]]:
    return [{"errorCode": "INVALID_SESSION_ID", "message": text}]


def test_the_repeated_call_carries_the_same_headers(stage: Stage) -> None:
    connector = stage.connector()
    stage.read(connector)
    stage.sim.kill_tokens()
    stage.sim.forget_requests()
    stage.read(connector)
    tags = [request.client_tag for request in stage.sim.requests if "/query" in request.path]
    assert tags == ["kidglove", "kidglove"]


def test_another_worker_s_newer_token_may_be_stale_as_well(stage: Stage, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as store:
        shared = [stage.connector(store=store) for _ in range(2)]
        for connector in shared:
            stage.read(connector)
        stage.sim.kill_tokens()
        stage.read(shared[1])
        stage.sim.kill_tokens()

        assert stage.read(shared[0]).name == "Aurelius Partners"


def test_a_second_401_opens_the_circuit_after_two_requests(stage: Stage) -> None:
    stage.sim.faults.arm(
        Fault(
            harm=Harm.STATUS,
            path="/services/data/.*",
            status=401,
            body=session_error("Session expired or invalid"),
            times=None,
        )
    )
    connector = stage.connector()
    with pytest.raises(Unauthorized, match="also with a new token"):
        stage.read(connector)
    assert connector.calls == {"query": 2}


def test_a_401_that_no_login_cures_is_a_setting_after_one_request(stage: Stage) -> None:
    stage.sim.faults.arm(
        Fault(
            harm=Harm.STATUS,
            path="/services/data/.*",
            status=401,
            body=session_error("This session is not valid for use with the REST API"),
        )
    )
    connector = stage.connector()
    with pytest.raises(Misconfigured, match="integration user"):
        stage.read(connector)
    assert connector.calls == {"query": 1}


@pytest.mark.req("R26", partly="only the Salesforce side, and without the shared limiter")
def test_used_up_calls_pause_every_worker(stage: Stage) -> None:
    limiter = Watched()
    connector = stage.connector(limiter=limiter)
    stage.read(connector)
    stage.sim.use_up_quota()
    with pytest.raises(RateLimited) as refused:
        stage.read(connector)
    assert refused.value.after == timedelta(minutes=15)
    assert limiter.pauses == [timedelta(minutes=15)]


def test_each_reply_corrects_the_days_count(stage: Stage) -> None:
    limiter = Watched()
    stage.sim.set_quota(5000)
    stage.read(stage.connector(limiter=limiter))
    assert limiter.reports[-1] == (stage.sim.api_calls, 4750)


def test_urgent_work_says_so_to_the_limiter(stage: Stage) -> None:
    limiter = Watched()
    connector = stage.connector(limiter=limiter)
    connector.read_accounts(customers=[CUSTOMER, "cus_other"], plan=PLAN, urgent=True)
    connector.read_accounts(customers=[CUSTOMER, "cus_other"], plan=PLAN)
    connector.read_accounts(customers=[CUSTOMER], plan=PLAN)
    assert limiter.urgent == [True, False, True]


@pytest.mark.parametrize(
    ("header", "budget"),
    [
        ("api-usage=18/5000", Budget(used=18, total=5000)),
        ("api-usage=1/9, per-app-api-usage=7/8(appName=x)", Budget(used=1, total=9)),
        ("per-app-api-usage=7/8(appName=x)", None),
        ("", None),
    ],
)
def test_the_limit_header_is_understood(header: str, budget: Budget | None) -> None:
    assert budget_of(header) == budget


def test_ordinary_work_stops_at_70_percent_and_urgent_at_95() -> None:
    usable = Budget(used=0, total=100_000).usable
    assert usable == 95_000
    assert round(usable * (1 - DEFAULT_LIMITS.reserve)) == 70_000


def test_a_reader_gives_up_after_three(stage: Stage) -> None:
    stage.sim.faults.arm(Fault(harm=Harm.HTML, path=".*query.*", status=503, times=None))
    connector = stage.connector()
    with pytest.raises(Transient):
        stage.read(connector)
    assert connector.calls == {"query": 3}


def test_a_vanished_query_locator_starts_the_query_again(stage: Stage) -> None:
    for number in range(5):
        stage.sim.add_account(
            f"Twin {number}", owner=stage.owner, Dunning_Status__c="In Resolution"
        )
    stage.sim.set_page_size(2)
    stage.sim.faults.arm(
        Fault(
            harm=Harm.STATUS,
            path=".*/query/.+",
            status=400,
            body=[{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}],
        )
    )
    connector = stage.connector()
    assert len(connector.accounts_on_hold(plan=PLAN, words=["In Resolution"])) == 5


def test_an_org_that_hangs_up_on_a_write_leaves_it_open(stage: Stage) -> None:
    stage.sim.faults.arm(
        Fault(harm=Harm.TIMEOUT_AFTER, path=".*composite.*", seconds=2, times=None)
    )
    change = FieldsChange(account=stage.ref, values={"Last_Failure_Code__c": "card_declined"})
    [answer] = stage.connector(timeouts=HASTY).write([change])
    assert isinstance(answer, OutcomeUnknown)


def test_an_unknown_error_is_a_bug_and_never_repeated(stage: Stage) -> None:
    stage.sim.faults.arm(
        Fault(
            harm=Harm.STATUS,
            path=".*query.*",
            status=400,
            body=[{"errorCode": "BRAND_NEW", "message": "Dana Ruiz, dana@example.com"}],
        )
    )
    connector = stage.connector()
    with pytest.raises(Bug) as problem:
        stage.read(connector)
    assert connector.calls == {"query": 1}
    assert "Dana" not in f"{problem.value}{problem.value.__cause__}{problem.value.__context__}"


def test_the_manifest_states_the_version_that_is_called() -> None:
    assert MANIFEST.api_version == API_VERSION


def test_a_session_is_repeated_for_writes_too(stage: Stage) -> None:
    connector = stage.connector()
    stage.read(connector)
    stage.sim.kill_tokens()
    change = FieldsChange(account=stage.ref, values={"Last_Failure_Code__c": "card_declined"})
    [answer] = connector.write([change])
    assert isinstance(answer, Receipt)
