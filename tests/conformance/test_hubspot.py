"""HubSpot does what every CRM here has to do."""

from __future__ import annotations

from tests.conformance.kinds import CrmConformance
from tests.conformance.stages.hubspot import HubspotStage


class TestHubspot(CrmConformance):
    stage = HubspotStage
