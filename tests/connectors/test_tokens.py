"""Workers share one login, and a refusal says what to do about it."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from connectors.kit.http import new_session
from connectors.kit.tokens import SharedTokens
from connectors.salesforce.login import client_credentials_tokens, jwt_tokens
from domain.errors import RateLimited, Transient, Unauthorized
from simulators.clock import SimClock
from simulators.faults import Fault, Harm
from simulators.salesforce import SalesforceSim
from tests.connectors.salesforce_stage import INSTANCE, START

LOGIN = ".*oauth2/token.*"


@pytest.fixture
def sim() -> Iterator[SalesforceSim]:
    with SalesforceSim(SimClock(START)) as sim:
        yield sim


@pytest.fixture
def store(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


def tokens(sim: SalesforceSim, store: redis.Redis | None = None, **changes: Any) -> SharedTokens:
    said = sim.credentials()
    known: dict[str, Any] = {
        "consumer_key": said["consumer_key"],
        "username": said["username"],
        "private_key": said["private_key"],
        "instance_url": INSTANCE,
        "session": new_session(origins={INSTANCE: sim.url}),
        "clock": sim.clock.now,
        "audience": "https://test.salesforce.com",
        "store": store,
    }
    return jwt_tokens(**{**known, **changes})


def logins(sim: SalesforceSim) -> int:
    return sum("/oauth2/token" in request.path for request in sim.requests)


def refused(sim: SalesforceSim, error: str, description: str, status: int = 400) -> None:
    sim.faults.arm(
        Fault(
            harm=Harm.STATUS,
            path=LOGIN,
            status=status,
            body={"error": error, "error_description": description},
        )
    )


def test_a_signed_assertion_logs_in(sim: SalesforceSim) -> None:
    assert tokens(sim).token().value


def test_client_credentials_log_in(sim: SalesforceSim) -> None:
    said = sim.credentials()
    provider = client_credentials_tokens(
        consumer_key=said["consumer_key"],
        consumer_secret=said["consumer_secret"],
        instance_url=INSTANCE,
        session=new_session(origins={INSTANCE: sim.url}),
        clock=sim.clock.now,
    )
    assert provider.token().value


def test_the_identity_tells_who_we_are(sim: SalesforceSim) -> None:
    assert (
        tokens(sim)
        .token()
        .identity.endswith(f"/id/{sim.organization_id}/{sim.integration_user_id}")
    )


def test_a_token_is_used_until_it_is_stale(sim: SalesforceSim) -> None:
    provider = tokens(sim)
    assert provider.token() == provider.token()
    assert logins(sim) == 1


def test_another_process_uses_the_same_token(sim: SalesforceSim, store: redis.Redis) -> None:
    assert tokens(sim, store).token() == tokens(sim, store).token()
    assert logins(sim) == 1


def test_eight_workers_with_a_stale_token_log_in_once(
    sim: SalesforceSim, store: redis.Redis
) -> None:
    providers = [tokens(sim, store) for _ in range(8)]
    stale = {provider.token().value for provider in providers}
    barrier = threading.Barrier(8)

    def renew(provider: SharedTokens) -> str:
        barrier.wait()
        return provider.refresh(next(iter(stale))).value

    with ThreadPoolExecutor(8) as pool:
        fresh = set(pool.map(renew, providers))
    assert (len(stale), len(fresh), fresh & stale, logins(sim)) == (1, 1, set(), 2)


def test_without_redis_each_process_logs_in_by_itself(sim: SalesforceSim) -> None:
    away = redis.Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))
    provider = tokens(sim, away)
    assert provider.token() == provider.token()
    assert provider.refresh(provider.token().value).value
    assert logins(sim) == 2


def test_a_spoilt_entry_is_replaced(sim: SalesforceSim, store: redis.Redis) -> None:
    first = tokens(sim, store).token()
    for key in store.scan_iter("kidglove:token:*"):
        store.set(key, b"spoilt")
    assert tokens(sim, store).token() != first


def test_two_users_of_one_app_do_not_share_a_token(sim: SalesforceSim, store: redis.Redis) -> None:
    tokens(sim, store).token()
    with pytest.raises(Unauthorized):
        tokens(sim, store, username="somebody.else@example.com").token()


@pytest.mark.parametrize(
    ("error", "description", "remedy"),
    [
        ("invalid_grant", "user hasn't approved this consumer", "Pre-authorise"),
        ("invalid_grant", "audience is invalid", "Set the audience"),
        ("invalid_grant", "invalid assertion", "certificate"),
        ("invalid_grant", "expired authorization code", "clock"),
        ("OAUTH_APP_ACCESS_DENIED", "user is not admin approved to access this app", "Assign"),
        ("invalid_client_id", "client identifier invalid", "consumer key"),
        ("invalid_client", "invalid client credentials", "consumer secret"),
        ("invalid_app", "app must be installed into org", "Install"),
        ("invalid_request", "no client credentials user enabled", "run-as user"),
        ("inactive_user", "user is inactive", "Activate"),
        ("unsupported_grant_type", "grant type not supported", "Enable"),
    ],
)
def test_each_refusal_has_its_remedy(
    sim: SalesforceSim, error: str, description: str, remedy: str
) -> None:
    refused(sim, error, description)
    with pytest.raises(Unauthorized) as problem:
        tokens(sim).token()
    assert remedy in problem.value.remedy


def test_too_many_logins_wait(sim: SalesforceSim) -> None:
    refused(sim, "invalid_grant", "login rate exceeded")
    with pytest.raises(RateLimited):
        tokens(sim).token()


@pytest.mark.parametrize("harm", [Harm.HTML, Harm.RESET_BEFORE])
def test_an_unwell_token_service_is_tried_again_later(sim: SalesforceSim, harm: Harm) -> None:
    sim.faults.arm(Fault(harm=harm, path=LOGIN, status=503))
    with pytest.raises(Transient):
        tokens(sim).token()


def test_a_key_that_cannot_sign_is_said_so(sim: SalesforceSim) -> None:
    with pytest.raises(Unauthorized) as problem:
        tokens(sim, private_key="-----BEGIN PRIVATE KEY-----\nspoilt").token()
    assert "spoilt" not in str(problem.value)
    assert "PEM" in problem.value.remedy


def test_an_assertion_lives_three_minutes_and_names_the_user(sim: SalesforceSim) -> None:
    provider = tokens(sim)
    provider.token()
    sent = next(request for request in sim.requests if "/oauth2/token" in request.path)
    assertion = dict(sent.body)["assertion"]
    claims = jwt.decode(assertion, options={"verify_signature": False})
    assert claims == {
        "iss": sim.consumer_key,
        "sub": sim.username,
        "aud": "https://test.salesforce.com",
        "exp": int(START.timestamp()) + 180,
    }


def test_secrets_are_in_no_text(sim: SalesforceSim) -> None:
    provider = tokens(sim)
    assert provider.token().value not in repr(provider.token())
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(provider)
