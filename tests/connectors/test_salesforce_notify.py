"""The org's own messages, as they really travel: proven, stored once, acknowledged, hinting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.salesforce import signals, webhook
from domain.ports import Incoming
from simulators.wire import LoopbackServer
from tests.connectors.salesforce_stage import Stage, staged

SECRET = "path-secret"


@dataclass
class Edge:
    """The least that an edge does: verify, keep under the key, acknowledge."""

    organization_id: str
    inbox: dict[str, Incoming] = field(default_factory=dict)
    received: int = 0

    async def outbound(self, request: Request) -> Response:
        """Take an outbound message."""
        self._keep(
            webhook.verify(
                await request.body(),
                path_secret=request.path_params["secret"],
                expected_secrets=[SECRET],
                organization_id=self.organization_id,
            )
        )
        return Response(webhook.acknowledgement(), media_type="text/xml")

    async def flow(self, request: Request) -> Response:
        """Take a flow callout."""
        self._keep(
            webhook.verify_flow(
                await request.body(),
                api_key=request.headers.get("x-api-key", ""),
                expected_keys=[SECRET],
                organization_id=self.organization_id,
            )
        )
        return Response("{}", media_type="application/json")

    def _keep(self, messages: list[Incoming]) -> None:
        self.received += len(messages)
        for message in messages:
            self.inbox.setdefault(message.key, message)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture
def edge(stage: Stage) -> Iterator[Edge]:
    edge = Edge(organization_id=stage.sim.organization_id)
    app = Starlette(
        routes=[
            Route("/outbound/{secret}", edge.outbound, methods=["POST"]),
            Route("/flow", edge.flow, methods=["POST"]),
        ]
    )
    with LoopbackServer(app) as server:
        stage.sim.watch(f"{server.url}/outbound/{SECRET}")
        stage.sim.watch(f"{server.url}/flow", kind="flow", api_key=SECRET)
        yield edge


def hold(stage: Stage, word: str | None = "In Resolution") -> None:
    stage.sim.human(stage.csm).update("Account", stage.account, {"Dunning_Status__c": word})


def test_a_change_arrives_by_both_ways_and_names_the_account(stage: Stage, edge: Edge) -> None:
    hold(stage)
    stage.sim.postman.flush()
    hints = [hint for kept in edge.inbox.values() for hint in signals.hints(kept.body)]
    assert sorted(kept.topic for kept in edge.inbox.values()) == [
        "flow.Account",
        "outbound.Account",
    ]
    assert {hint.ref for hint in hints} == {stage.ref}


@pytest.mark.req("R17", partly="the edge's part for Salesforce: one key for every copy")
def test_copies_of_a_message_are_kept_once(stage: Stage, edge: Edge) -> None:
    stage.sim.postman.dial.copies = 3
    hold(stage)
    stage.sim.postman.flush()
    assert (edge.received, len(edge.inbox)) == (6, 2)


def test_two_changes_are_two_messages(stage: Stage, edge: Edge) -> None:
    hold(stage)
    stage.sim.postman.flush()
    hold(stage, "Released")
    stage.sim.postman.flush()
    assert len(edge.inbox) == 4


def test_an_acknowledged_message_is_not_sent_again(stage: Stage, edge: Edge) -> None:
    hold(stage)
    stage.sim.postman.flush()
    stage.sim.postman.flush()
    assert edge.received == 2
