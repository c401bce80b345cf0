"""Vendors are found by their folder, and stating facts loads no SDK."""

from __future__ import annotations

import subprocess
import sys

import pytest

from connectors.kit import registry
from domain.errors import Misconfigured


def test_stripe_is_found_by_its_folder() -> None:
    assert "stripe" in registry.vendors()
    assert "kit" not in registry.vendors()


@pytest.mark.parametrize("vendor", registry.vendors())
def test_every_vendor_states_its_facts(vendor: str) -> None:
    stated = registry.manifest(vendor)
    assert stated.vendor == vendor
    assert stated.capabilities
    assert stated.limits.rate > 0
    assert all(page.startswith("https://") for page in stated.docs.values())


def test_a_misspelled_vendor_is_told_the_nearest() -> None:
    with pytest.raises(Misconfigured) as caught:
        registry.manifest("strpie")
    assert "stripe" in caught.value.remedy


def test_the_factory_is_the_connector() -> None:
    assert registry.factory("stripe").__name__ == "StripeConnector"


def test_asking_for_facts_loads_no_sdk() -> None:
    program = (
        "import sys; from connectors.kit import registry; import connectors.stripe.webhook;"
        "import connectors.stripe.signals; registry.manifest('stripe');"
        "sys.exit('stripe' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
