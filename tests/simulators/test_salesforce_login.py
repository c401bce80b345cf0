"""How a client gets into the simulated org, and how it loses its session.

`Desk` is what the other tests of this simulator work at: stock simple-salesforce in direct mode,
over a session whose adapter turns https into http.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceExpiredSession

from simulators.clock import SimClock
from simulators.salesforce import SalesforceSim
from simulators.salesforce.oauth import JWT_BEARER

START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
VERSION = "67.0"


class PlainHttp(HTTPAdapter):
    """Sends what is addressed to https over http, with a timeout that the library lacks."""

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> Any:
        assert request.url is not None
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, *args, **{**more, "timeout": (3.05, 10)})


@dataclass
class Desk:
    """A started org, a logged-in client, and a CSM with one account."""

    sim: SalesforceSim
    clock: SimClock
    session: requests.Session
    sf: Salesforce
    ann: str
    acme: str

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        """One raw call; `path` is below `/services/data/v67.0/`."""
        return self.session.request(
            method,
            f"{self.sim.url}/services/data/v{VERSION}/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.sf.session_id}", **(headers or {})},
            timeout=10,
        )

    def code(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and errorCode of a call that is refused."""
        answer = self.send(method, path, body)
        return answer.status_code, answer.json()[0]["errorCode"]

    def soql(self, text: str) -> list[dict[str, Any]]:
        """The records of a query, without their attributes."""
        found = self.sf.query_all(text)["records"]
        return [{k: v for k, v in one.items() if k != "attributes"} for one in found]

    def log_in(self) -> None:
        """Get a new token for the client."""
        answer = ask_token(self.sim, assertion=assertion_for(self.sim))
        self.sf.session_id = answer.json()["access_token"]

    def later(self, **by: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(**by))


def open_desk() -> Iterator[Desk]:
    """A fresh org to work in; the body of each file's `desk` fixture."""
    clock = SimClock(START)
    sim = SalesforceSim(clock).start()
    session = requests.Session()
    session.mount("https://", PlainHttp())
    answer = ask_token(sim, assertion=assertion_for(sim)).json()
    sf = Salesforce(
        session_id=answer["access_token"],
        instance_url=answer["instance_url"],
        session=session,
        version=VERSION,
    )
    ann = sim.add_user("Ann Example", email="ann@example.com")
    acme = sim.add_account("Acme", owner=ann, Stripe_Customer_Id__c="cus_acme")
    yield Desk(sim, clock, session, sf, ann, acme)
    session.close()
    # The server looks ten times a second whether it should stop; no test waits for that.
    threading.Thread(target=sim.stop).start()


@functools.cache
def _loaded(pem: str) -> Any:
    # Loading a private key checks its primes, which takes longer than a whole test.
    return load_pem_private_key(pem.encode(), None)


def assertion_for(sim: SalesforceSim, **changed: Any) -> str:
    """A signed JWT as simple-salesforce makes it: `exp` is a string."""
    claims = {
        "iss": sim.consumer_key,
        "sub": sim.username,
        "aud": "https://login.salesforce.com",
        "exp": str(int(sim.clock.seconds()) + 180),
    }
    return jwt.encode({**claims, **changed}, _loaded(sim.private_key), algorithm="RS256")


def ask_token(sim: SalesforceSim, **form: str) -> requests.Response:
    """A JWT bearer token request."""
    url = f"{sim.url}/services/oauth2/token"
    return requests.post(url, data={"grant_type": JWT_BEARER, **form}, timeout=10)


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from open_desk()


def test_jwt_bearer_opens_a_session_at_the_orgs_own_address(desk: Desk) -> None:
    answer = ask_token(desk.sim, assertion=assertion_for(desk.sim))

    assert answer.status_code == 200
    assert answer.json()["instance_url"] == desk.sim.url
    assert answer.json()["token_type"] == "Bearer"
    assert "expires_in" not in answer.json()


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"iss": "somebody"}, "invalid_client_id", "client identifier invalid"),
        ({"aud": "https://example.com"}, "invalid_grant", "audience is invalid"),
        ({"sub": "nobody@example.com"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"exp": "1"}, "invalid_grant", "expired authorization code"),
        ({"exp": "99999999999"}, "invalid_grant", "assertion lives too long"),
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(
    desk: Desk, changed: dict[str, str], error: str, words: str
) -> None:
    answer = ask_token(desk.sim, assertion=assertion_for(desk.sim, **changed))

    assert answer.status_code == 400
    assert answer.json() == {"error": error, "error_description": words}


def test_an_assertion_signed_by_another_key_is_refused(desk: Desk) -> None:
    genuine = assertion_for(desk.sim)
    head, claims, _ = genuine.split(".")
    other = assertion_for(desk.sim, sub="x").rsplit(".", 1)[1]

    answer = ask_token(desk.sim, assertion=f"{head}.{claims}.{other}")

    assert answer.json()["error_description"] == "invalid assertion"


def test_a_consumer_that_nobody_approved_is_told_so(desk: Desk) -> None:
    desk.sim.oauth.approved = False

    answer = ask_token(desk.sim, assertion=assertion_for(desk.sim))

    assert answer.json()["error_description"] == "user hasn't approved this consumer"


@pytest.mark.parametrize("by_header", [True, False])
def test_client_credentials_come_by_basic_header_or_in_the_form(
    desk: Desk, by_header: bool
) -> None:
    pair = (desk.sim.consumer_key, desk.sim.consumer_secret)
    form = {"grant_type": "client_credentials"}
    if not by_header:
        form |= {"client_id": pair[0], "client_secret": pair[1]}

    answer = requests.post(
        f"{desk.sim.url}/services/oauth2/token",
        data=form,
        auth=pair if by_header else None,
        timeout=10,
    )

    assert answer.status_code == 200
    assert answer.json()["id"].endswith(desk.sim.integration_user_id)


def test_a_wrong_client_secret_is_refused(desk: Desk) -> None:
    answer = requests.post(
        f"{desk.sim.url}/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(desk.sim.consumer_key, "wrong"),
        timeout=10,
    )

    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


def test_a_bogus_grant_is_unsupported(desk: Desk) -> None:
    answer = ask_token(desk.sim, grant_type="password")

    assert answer.status_code == 400
    assert answer.json()["error"] == "unsupported_grant_type"


def test_userinfo_names_the_user_and_the_organization(desk: Desk) -> None:
    answer = requests.get(
        f"{desk.sim.url}/services/oauth2/userinfo",
        headers={"Authorization": f"Bearer {desk.sf.session_id}"},
        timeout=10,
    ).json()

    assert answer["user_id"] == desk.sim.integration_user_id
    assert answer["organization_id"] == desk.sim.organization_id
    assert answer["zoneinfo"] == "GMT"


def test_a_dead_token_costs_direct_mode_one_request(desk: Desk) -> None:
    desk.sim.kill_tokens()
    desk.sim.forget_requests()

    with pytest.raises(SalesforceExpiredSession) as caught:
        desk.sf.query("SELECT Id FROM Account")

    assert "INVALID_SESSION_ID" in str(caught.value)
    assert len(desk.sim.requests) == 1


def test_a_session_dies_after_two_idle_hours(desk: Desk) -> None:
    desk.later(hours=2)

    assert desk.code("GET", "limits") == (401, "INVALID_SESSION_ID")


def test_a_session_that_is_used_stays_alive(desk: Desk) -> None:
    desk.later(minutes=90)
    desk.send("GET", "limits")
    desk.later(minutes=90)

    assert desk.send("GET", "limits").status_code == 200


def test_the_session_of_a_deactivated_user_dies(desk: Desk) -> None:
    desk.sim.deactivate(desk.sim.integration_user_id)

    assert desk.code("GET", "limits") == (401, "INVALID_SESSION_ID")


def test_logins_are_limited_per_hour(desk: Desk) -> None:
    answers = [
        desk.sim.oauth.token(
            {
                "grant_type": "client_credentials",
                "client_id": desk.sim.consumer_key,
                "client_secret": desk.sim.consumer_secret,
            },
            None,
        )
        for _ in range(3600)
    ]

    assert answers[0].status == 200
    assert answers[-1].body["error_description"] == "login rate exceeded"


def test_the_list_of_versions_needs_no_token_and_is_free(desk: Desk) -> None:
    answer = requests.get(f"{desk.sim.url}/services/data", timeout=10)

    assert answer.json()[-1] == {
        "label": "Summer '26",
        "url": "/services/data/v67.0",
        "version": "67.0",
    }
    assert "Sforce-Limit-Info" not in answer.headers
    assert desk.sim.api_calls == 0


@pytest.mark.parametrize(("version", "status"), [("30.0", 410), ("99.0", 404)])
def test_versions_that_are_gone_or_yet_to_come(desk: Desk, version: str, status: int) -> None:
    answer = requests.get(
        f"{desk.sim.url}/services/data/v{version}/limits",
        headers={"Authorization": f"Bearer {desk.sf.session_id}"},
        timeout=10,
    )

    assert answer.status_code == status


def test_the_same_seed_makes_the_same_ids() -> None:
    first, second = (SalesforceSim(SimClock(START), seed=7) for _ in range(2))

    assert first.add_user("Ann Example") == second.add_user("Ann Example")
    assert first.organization_id != SalesforceSim(SimClock(START), seed=8).organization_id
