"""Every connector: what it states about itself, and how it examines itself."""

from __future__ import annotations

import inspect
import re

import pytest

from connectors.kit import registry
from connectors.kit.manifest import Capability
from domain import ports
from domain.ports import Finding, Health
from tests.conformance.stage import Stage, Trouble
from tests.conformance.suite import Conformance

HOST = re.compile(r"(https://)?(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+")


class StatesFacts(Conformance):
    """The manifest."""

    def test_the_manifest_names_hosts_documents_and_version(self) -> None:
        stated = registry.manifest(self.stage.vendor)
        assert stated.hosts
        assert [one for one in stated.hosts if not HOST.fullmatch(one)] == []
        assert stated.docs
        assert [one for one in stated.docs.values() if not one.startswith("https://")] == []
        named = [*stated.hosts, *stated.docs.values()]
        assert [one for one in named if ".example" in one] == []
        assert stated.vendor == self.stage.vendor
        assert all((stated.title, stated.api_version, stated.auth))

    def test_every_scope_says_what_it_is_needed_for(self) -> None:
        scopes = registry.manifest(self.stage.vendor).scopes
        assert [one for one in scopes if not (one.name and one.needed_for)] == []
        assert {one.is_write for one in scopes} == {True, False}

    @pytest.mark.req("R26", partly="limits are stated; that they hold is proven with the limiter")
    def test_the_stated_limits_keep_a_reserve_for_urgent_work(self) -> None:
        limits = registry.manifest(self.stage.vendor).limits
        assert limits.rate > 0
        assert limits.burst > 0
        assert 0 < limits.reserve < 1
        assert int(limits.burst * (1 - limits.reserve)) < limits.burst

    def test_every_stated_capability_is_there_in_the_words_of_its_port(self) -> None:
        stated = registry.manifest(self.stage.vendor)
        made = registry.factory(self.stage.vendor)
        assert [
            f"{capability}.{name}"
            for capability in sorted(stated.capabilities)
            for name, wanted in _methods(capability).items()
            if not wanted <= _parameters(getattr(made, name, None))
        ] == []


class ExaminesItself(Conformance):
    """The doctor's view of one vendor."""

    capability = Capability.EXAMINES

    def test_a_healthy_account_has_nothing_wrong(self, vendor: Stage) -> None:
        found = vendor.connector().examine()
        assert found
        assert [one for one in found if one.health is Health.WRONG] == []

    def test_examining_changes_nothing(self, vendor: Stage) -> None:
        before = vendor.world()
        vendor.connector().examine()
        assert vendor.world() == before

    @pytest.mark.parametrize(
        "trouble",
        [
            Trouble.UNAUTHORIZED,
            Trouble.LIMITED,
            Trouble.UNWELL,
            Trouble.HTML,
            Trouble.HUNG_UP_BEFORE,
        ],
    )
    def test_a_failed_check_is_a_finding_with_a_remedy(
        self, vendor: Stage, trouble: Trouble
    ) -> None:
        vendor.arm(trouble, times=None)
        found: list[Finding] = list(vendor.connector().examine())
        bad = [one for one in found if one.health is not Health.OK]
        assert bad
        assert [one for one in bad if not (one.detail and one.remedy)] == []


def _methods(capability: Capability) -> dict[str, set[str]]:
    port = getattr(ports, capability.value)
    return {
        name: _parameters(method)
        for name, method in vars(port).items()
        if inspect.isfunction(method) and not name.startswith("_")
    }


def _parameters(method: object) -> set[str]:
    return set(inspect.signature(method).parameters) if callable(method) else set()
