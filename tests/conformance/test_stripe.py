"""Stripe does what every payment system here has to do."""

from __future__ import annotations

from tests.conformance.kinds import PaymentsConformance
from tests.conformance.stages.stripe import StripeStage


class TestStripe(PaymentsConformance):
    stage = StripeStage
