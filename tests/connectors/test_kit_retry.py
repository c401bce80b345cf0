"""The short retry: what is repeated, how long, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from connectors.kit.retry import Retry, RetryPolicy
from domain.errors import KidgloveError, OutcomeUnknown, RateLimited, Rejected, Transient


class Calls:
    """A call that fails with each error in turn, then answers."""

    def __init__(self, *errors: KidgloveError) -> None:
        self.errors = list(errors)
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


@pytest.fixture
def naps() -> list[float]:
    return []


@pytest.fixture
def retry(naps: list[float]) -> Retry:
    return Retry(sleep=naps.append)


def test_a_transient_failure_is_repeated_until_it_works(retry: Retry) -> None:
    call = Calls(Transient("x"), Transient("x"))
    assert retry(call, is_repeatable=True) == "answer"


def test_after_three_tries_the_last_error_comes_out(retry: Retry) -> None:
    call = Calls(Transient("1"), Transient("2"), Transient("3"), Transient("4"))
    with pytest.raises(Transient, match="3"):
        retry(call, is_repeatable=True)


def test_an_unknown_outcome_is_repeated_under_a_key(retry: Retry) -> None:
    assert retry(Calls(OutcomeUnknown("x")), is_repeatable=True) == "answer"


def test_an_unknown_outcome_without_a_key_is_never_repeated(retry: Retry) -> None:
    call = Calls(OutcomeUnknown("x"))
    with pytest.raises(OutcomeUnknown):
        retry(call, is_repeatable=False)
    assert call.made == 1


def test_a_refusal_is_never_repeated(retry: Retry) -> None:
    call = Calls(Rejected("x"))
    with pytest.raises(Rejected):
        retry(call, is_repeatable=True)
    assert call.made == 1


def test_the_vendors_wait_is_honoured(retry: Retry, naps: list[float]) -> None:
    call = Calls(RateLimited("x", after=timedelta(seconds=3)))
    assert retry(call, is_repeatable=False) == "answer"
    assert naps == [3.0]


def test_a_wait_beyond_the_policy_goes_back_to_the_store(retry: Retry, naps: list[float]) -> None:
    with pytest.raises(RateLimited):
        retry(Calls(RateLimited("x", after=timedelta(seconds=30))), is_repeatable=True)
    assert naps == []


def test_waits_grow_and_spread(retry: Retry, naps: list[float]) -> None:
    retry(Calls(Transient("x"), Transient("x")), is_repeatable=True)
    assert 0.2 <= naps[0] <= 0.4 <= naps[1] <= 0.8


@pytest.mark.parametrize("tries", [1, 2, 5])
def test_the_number_of_tries_is_a_knob(tries: int) -> None:
    call = Calls(*[Transient("x")] * 9)
    patient = Retry(RetryPolicy(tries=tries), sleep=lambda _: None)
    with pytest.raises(Transient):
        patient(call, is_repeatable=True)
    assert call.made == tries


def test_no_try_begins_after_the_time_is_over() -> None:
    call = Calls(*[Transient("x")] * 9)
    hasty = Retry(RetryPolicy(within=timedelta(seconds=0.1)), sleep=_never)
    with pytest.raises(Transient):
        hasty(call, is_repeatable=True)
    assert call.made == 1


def _never(seconds: float) -> None:
    raise AssertionError("slept")


_: Callable[[float], None] = _never
