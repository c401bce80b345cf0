"""A stateful HubSpot account over plain HTTP; see README.md."""

from simulators.hubspot.people import Person
from simulators.hubspot.service import Seen
from simulators.hubspot.sim import APP_ID, PORTAL_ID, HubspotSim
from simulators.hubspot.troubles import row_error, whole

__all__ = ["APP_ID", "PORTAL_ID", "HubspotSim", "Person", "Seen", "row_error", "whole"]
