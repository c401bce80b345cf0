"""What a connector states about itself: facts with their documents, never claims of quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from connectors.kit.limits import Limits


class Kind(StrEnum):
    """The part that a vendor's system plays."""

    PAYMENTS = "payments"
    CRM = "crm"
    ERP = "erp"


class Capability(StrEnum):
    """One port of `domain.ports`, by its name. The conformance tests are picked by these."""

    READS_PAYMENTS = "ReadsPayments"
    QUIETS = "Quiets"
    COLLECTS = "Collects"
    WRITES_CUSTOMER = "WritesCustomer"
    MAKES_PAYMENT_LINKS = "MakesPaymentLinks"
    LISTS_CUSTOMERS = "ListsCustomers"
    SURVEYS_CUSTOMERS = "SurveysCustomers"
    LISTS_CHANGES = "ListsChanges"
    SENDS_SIGNALS = "SendsSignals"
    READS_ACCOUNTS = "ReadsAccounts"
    SURVEYS_ACCOUNTS = "SurveysAccounts"
    WRITES_CRM = "WritesCrm"
    SWEEPS_HOLDS = "SweepsHolds"
    SUGGESTS_ACCOUNTS = "SuggestsAccounts"
    DESCRIBES = "Describes"
    EXAMINES = "Examines"


class Trait(StrEnum):
    """What only some vendors do; the conformance checks about it are picked by these."""

    RENEWS_TOKENS = "renews a stale access token"
    TELLS_WAIT = "tells how long to wait after a 429"
    SIGNS_BODIES = "signs the body of its messages"
    STAMPS_MESSAGES = "signs the time of its messages"
    MERGES_ACCOUNTS = "merges accounts"


@dataclass(frozen=True, kw_only=True)
class Scope:
    """One permission that the credential needs, and what stops working without it."""

    name: str
    needed_for: str
    is_write: bool = False


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One vendor in facts. Importing it loads no SDK.

    `factory` is the connector class as "module:name". `limit_headers` maps a response header to
    what it says. `docs` maps a topic to the page that our code relies on.
    """

    vendor: str
    title: str
    kind: Kind
    factory: str
    capabilities: frozenset[Capability]
    auth: str
    hosts: tuple[str, ...]
    api_version: str
    limits: Limits
    limit_headers: Mapping[str, str] = field(default_factory=dict)
    scopes: tuple[Scope, ...] = ()
    traits: frozenset[Trait] = frozenset()
    docs: Mapping[str, str] = field(default_factory=dict)
