"""What a vendor's test class inherits, by the part that the vendor plays."""

from __future__ import annotations

from tests.conformance.accounts import Accounts, AccountsInChanges, Holds
from tests.conformance.connection import Connection
from tests.conformance.customers import Customers
from tests.conformance.describing import Describing
from tests.conformance.facts import ExaminesItself, StatesFacts
from tests.conformance.listing import Listing
from tests.conformance.paying import Collecting, Linking, Noting, Payments, Quieting
from tests.conformance.signals import Signals
from tests.conformance.suggesting import Suggesting
from tests.conformance.surveying import AccountsAtAGlance, CustomersAtAGlance
from tests.conformance.writing import Writing


class CrmConformance(
    StatesFacts,
    ExaminesItself,
    Connection,
    Signals,
    Listing,
    Accounts,
    AccountsInChanges,
    AccountsAtAGlance,
    Describing,
    Holds,
    Suggesting,
    Writing,
):
    """Everything that is asked of a CRM."""


class PaymentsConformance(
    StatesFacts,
    ExaminesItself,
    Connection,
    Signals,
    Listing,
    Customers,
    CustomersAtAGlance,
    Payments,
    Quieting,
    Collecting,
    Noting,
    Linking,
):
    """Everything that is asked of a payment system."""
