"""Stripe over the wire: stateful, on a virtual clock, with faults on a dial (see README.md)."""

from simulators.stripe.behaviour import Behaviour
from simulators.stripe.errors import ApiError
from simulators.stripe.front import Seen
from simulators.stripe.keys import BLIND_KEY, FULL_KEY, PRODUCT_KEY, READ_ONLY_KEY
from simulators.stripe.mailer import SentMail
from simulators.stripe.sim import StripeSim

__all__ = [
    "BLIND_KEY",
    "FULL_KEY",
    "PRODUCT_KEY",
    "READ_ONLY_KEY",
    "ApiError",
    "Behaviour",
    "Seen",
    "SentMail",
    "StripeSim",
]
