"""A stateful Salesforce org over plain HTTP; see README.md."""

from simulators.salesforce.oauth import CONSUMER_KEY, CONSUMER_SECRET, USERNAME
from simulators.salesforce.service import Seen
from simulators.salesforce.sim import FLOW_API_KEY, SalesforceSim

__all__ = [
    "CONSUMER_KEY",
    "CONSUMER_SECRET",
    "FLOW_API_KEY",
    "USERNAME",
    "SalesforceSim",
    "Seen",
]
