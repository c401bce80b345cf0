"""Every connector: what it makes of a vendor that is slow, unwell, closed or suspicious."""

from __future__ import annotations

import logging
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from connectors.kit import registry
from connectors.kit.manifest import Trait
from domain.boundary import HttpInTransaction, transaction_open
from domain.errors import (
    Conflict,
    KidgloveError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Transient,
    Unauthorized,
)
from tests.conformance.stage import HASTY, LOST, WAIT, Calls, Stage, Trouble
from tests.conformance.suite import Conformance, needs
from tests.conformance.watching import Counting, Virtual, answer, everything_said

BURST = 50
"""Reads: hundreds of calls, more than any vendor lets through at once."""
TRIES = 3
"""What the short retry allows."""


class Connection(Conformance):
    """The way to the vendor and back."""

    @needs(Trait.RENEWS_TOKENS)
    def test_a_stale_token_is_renewed_once_and_the_call_repeated(self, vendor: Stage) -> None:
        vendor.arm(Trouble.UNAUTHORIZED)
        assert vendor.read(vendor.connector())
        assert vendor.requests() == 2

    def test_a_refused_credential_is_said_so_and_not_hammered(self, vendor: Stage) -> None:
        vendor.arm(Trouble.UNAUTHORIZED, times=None)
        connector = vendor.connector()
        with pytest.raises(Unauthorized):
            vendor.read(connector)
        assert vendor.requests() <= 2

    def test_a_missing_permission_is_named(self, vendor: Stage) -> None:
        with vendor.without_permission() as (connector, name), pytest.raises(Misconfigured) as one:
            vendor.read(connector)
        assert name in f"{one.value.row} {one.value.remedy}"

    @pytest.mark.req("R22", partly="waits; the dead letters are proven with the store")
    def test_a_limit_without_a_wait_is_told_and_pauses_every_worker(self, vendor: Stage) -> None:
        vendor.arm(Trouble.LIMITED, times=None)
        limiter = Counting()
        connector = vendor.connector(limiter=limiter)
        with pytest.raises(RateLimited):
            vendor.read(connector)
        assert vendor.requests() <= TRIES
        assert limiter.pauses

    @needs(Trait.TELLS_WAIT)
    def test_a_limit_with_a_wait_is_waited_for_exactly(self, vendor: Stage) -> None:
        vendor.arm(Trouble.LIMITED_WITH_WAIT, times=None)
        limiter = Counting()
        connector = vendor.connector(limiter=limiter)
        with pytest.raises(RateLimited) as told:
            vendor.read(connector)
        assert (told.value.after, set(limiter.pauses), vendor.requests()) == (WAIT, {WAIT}, 1)

    @pytest.mark.parametrize("trouble", [Trouble.HTML, Trouble.UNWELL, Trouble.HUNG_UP_BEFORE])
    def test_a_read_outlasts_one_bad_answer(self, vendor: Stage, trouble: Trouble) -> None:
        vendor.arm(trouble, on=Calls.READS)
        assert vendor.read(vendor.connector())

    @pytest.mark.parametrize("trouble", [Trouble.HTML, Trouble.UNWELL, Trouble.HUNG_UP_BEFORE])
    def test_a_vendor_that_stays_unwell_is_left_alone_soon(
        self, vendor: Stage, trouble: Trouble
    ) -> None:
        vendor.arm(trouble, times=None)
        connector = vendor.connector()
        with pytest.raises(Transient):
            vendor.read(connector)
        assert vendor.requests() <= TRIES

    @pytest.mark.req("R17", partly="one write of a connector; the jobs are proven with the store")
    @pytest.mark.parametrize("trouble", [*LOST, Trouble.HTML, Trouble.UNWELL])
    def test_a_write_without_a_good_answer_takes_effect_once(
        self, vendor: Stage, trouble: Trouble
    ) -> None:
        vendor.arm(trouble, on=Calls.WRITES)
        connector = vendor.connector(timeouts=HASTY)
        first = answer(lambda: vendor.write(connector, "key-1"))
        if isinstance(first, KidgloveError):
            assert isinstance(first, OutcomeUnknown | Transient)
        assert vendor.write(connector, "key-1")
        assert vendor.effects("key-1") == 1

    def test_a_write_that_meets_another_takes_effect_once(self, vendor: Stage) -> None:
        vendor.arm(Trouble.CONFLICT, on=Calls.WRITES)
        connector = vendor.connector()
        first = answer(lambda: vendor.write(connector, "key-1"))
        if isinstance(first, KidgloveError):
            assert isinstance(first, Conflict | Transient)
        assert vendor.write(connector, "key-1")
        assert vendor.effects("key-1") == 1

    def test_a_second_identical_read_is_free_of_consequences(self, vendor: Stage) -> None:
        connector = vendor.connector()
        before = vendor.world()
        first = vendor.read(connector)
        assert vendor.read(connector) == first
        assert (vendor.world(), vendor.writes()) == (before, 0)

    @pytest.mark.req("R26", partly="no call beside the limiter; its numbers are proven with it")
    def test_no_call_goes_past_the_limiter(self, vendor: Stage) -> None:
        limiter = Counting()
        connector = vendor.connector(limiter=limiter)
        vendor.read(connector)
        vendor.write(connector, "key-1")
        assert limiter.passed == vendor.requests() > 0

    @pytest.mark.req("R26", partly="no call beside the limiter; its numbers are proven with it")
    def test_a_burst_stops_where_the_limiter_says(self, vendor: Stage) -> None:
        limiter = Counting(most=5)
        connectors = [vendor.connector(limiter=limiter) for _ in range(4)]
        with ThreadPoolExecutor(len(connectors)) as pool:
            answers = list(pool.map(lambda one: answer(lambda: vendor.read(one)), connectors * 4))
        refused = [one for one in answers if isinstance(one, KidgloveError)]
        assert {type(one) for one in refused} == {RateLimited}
        assert vendor.requests() == 5

    @pytest.mark.req("R26", partly="one credential's rate; its sharing is proven with the limiter")
    def test_a_burst_at_the_stated_limits_never_meets_the_vendors_own(self, vendor: Stage) -> None:
        vendor.enforce_limits()
        limiter = Virtual(registry.manifest(vendor.vendor).limits, vendor.clock)
        connector = vendor.connector(limiter=limiter)
        for _ in range(BURST):
            assert vendor.read(connector)
        vendor.hurry(connector)
        assert limiter.pauses == []
        assert vendor.requests() == limiter.passed

    def test_nothing_is_called_while_a_transaction_is_open(self, vendor: Stage) -> None:
        connector = vendor.connector()
        with transaction_open(), pytest.raises(HttpInTransaction):
            vendor.read(connector)
        assert vendor.requests() == 0

    @pytest.mark.parametrize(
        "trouble", [Trouble.UNAUTHORIZED, Trouble.LIMITED, Trouble.UNWELL, Trouble.HUNG_UP_AFTER]
    )
    def test_no_secret_is_in_a_log_or_an_error(
        self,
        vendor: Stage,
        trouble: Trouble,
        caplog: pytest.LogCaptureFixture,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        caplog.set_level(logging.DEBUG)
        connector = vendor.connector()
        vendor.read(connector)
        vendor.arm(trouble, times=None)
        problems = [
            answer(lambda: vendor.read(connector)),
            answer(lambda: vendor.write(connector, "key-1")),
        ]
        said = [everything_said(one) for one in problems if isinstance(one, KidgloveError)]
        logged = [caplog.text, *capsys.readouterr()]
        assert (len(said), len(vendor.secrets) > 0) == (2, True)
        assert [one for one in vendor.secrets if any(one in text for text in said + logged)] == []

    def test_a_connector_with_its_credential_is_never_pickled(self, vendor: Stage) -> None:
        connector = vendor.connector()
        with pytest.raises(TypeError):
            pickle.dumps(connector)
