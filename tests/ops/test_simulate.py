"""The simulated vendors alone, as somebody outside would use them."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60
OUTSIDER = """
import json, sys
import stripe
from simple_salesforce import Salesforce

found = json.loads(sys.argv[1])
client = stripe.StripeClient(
    found["stripe"]["api_key"], base_addresses={"api": found["stripe"]["url"]}
)
customer = client.v1.customers.retrieve("cus_RvUprq")
client.v1.customers.update("cus_RvUprq", params={"description": "seen from outside"})

import requests
org = found["salesforce"]
token = requests.post(
    org["url"] + "/services/oauth2/token",
    data={
        "grant_type": "client_credentials",
        "client_id": org["consumer_key"],
        "client_secret": org["consumer_secret"],
    },
    timeout=10,
).json()["access_token"]
class Plain(requests.Session):
    def request(self, method, url, **more):
        url = url.replace("https://outside.my.salesforce.com", org["url"])
        return super().request(method, url, **more)
crm = Salesforce(
    instance_url="https://outside.my.salesforce.com", session_id=token, session=Plain()
)
rows = crm.query("SELECT Name, Health_Score__c FROM Account WHERE Name = 'Aurelius Partners'")

from hubspot import HubSpot
account = found["hubspot"]
client = HubSpot(access_token=account["service_key"], host=account["url"])
company = client.crm.companies.basic_api.get_by_id(
    "cus_RvUprq", id_property="stripe_customer_id", properties=["name", "kidglove_health_score"]
)
told = {
    "customer": customer.name,
    "score": rows["records"][0]["Health_Score__c"],
    "company": company.properties["name"],
    "its score": company.properties["kidglove_health_score"],
}
print(json.dumps(told))
"""


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """`kidglove simulate` with a small world, on free ports, and the line that it printed."""
    ports = ["--stripe", "0", "--salesforce", "0", "--hubspot", "0", "--control", "0"]
    more = ["--rate", "0", "--seed-world", "--start", "2026-11-02T14:00:00+00:00"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ops.cli", "simulate", *ports, *more],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
        assert ready, "the simulators did not say that they are ready"
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def test_stock_clients_of_an_outsider_work_against_it(
    simulated: tuple[subprocess.Popen[str], dict[str, Any]],
) -> None:
    _, found = simulated

    said = subprocess.run(
        [sys.executable, "-c", OUTSIDER, json.dumps(found)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )

    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout) == {
        "customer": "Aurelius Partners",
        "score": 62.0,
        "company": "Aurelius Partners",
        "its score": "62",
    }


def test_all_vendors_follow_the_one_clock(
    simulated: tuple[subprocess.Popen[str], dict[str, Any]],
) -> None:
    _, found = simulated

    requests.post(
        f"{found['control']}/clock", json={"advance_seconds": 3600}, timeout=30
    ).raise_for_status()

    clocks = [
        datetime.fromisoformat(
            requests.get(f"{found[vendor]['url']}/_sim/clock", timeout=10).json()["now"]
        )
        for vendor in ("stripe", "salesforce", "hubspot")
    ]
    assert len(set(clocks)) == 1
    assert clocks[0].isoformat().startswith("2026-11-02T15:00:00")


def test_it_ends_when_asked_to(
    simulated: tuple[subprocess.Popen[str], dict[str, Any]],
) -> None:
    process, _ = simulated

    process.send_signal(signal.SIGTERM)

    assert process.wait(10) == 0


def test_vendors_that_are_not_simulated_yet_are_refused() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "ops.cli", "simulate", "--netsuite", "12114"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    assert said.returncode == 2
    assert "not simulated yet" in said.stderr
