"""Glances at companies: the mapped properties alone, a hundred companies a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from connectors.hubspot import ids as record_ids
from connectors.hubspot.claims import Claims
from connectors.hubspot.definitions import Definitions
from connectors.hubspot.gateway import Gateway
from connectors.hubspot.wire import Row
from domain.errors import Bug, KidgloveError, Misconfigured
from domain.ports import AccountGlance, ReadPlan


class AccountSurveyor:
    """`SurveysAccounts` for HubSpot. Nothing here may use the calls that are kept for cases."""

    def __init__(self, gateway: Gateway, definitions: Definitions) -> None:
        self._gateway = gateway
        self._definitions = definitions
        self._claims = Claims(gateway, definitions)

    def survey_accounts(
        self, *, ids: Sequence[str] = (), customers: Sequence[str] = (), plan: ReadPlan
    ) -> Mapping[str, tuple[AccountGlance, ...] | KidgloveError]:
        """See `SurveysAccounts.survey_accounts`."""
        if customers and not plan.customer_field:
            raise Misconfigured("no property holds the payment customer", row="customer_field")
        self._definitions.need(*plan.account_fields, plan.customer_field)
        properties = tuple(filter(None, dict.fromkeys((*plan.account_fields, plan.customer_field))))
        found: dict[str, tuple[AccountGlance, ...] | KidgloveError]
        found = dict.fromkeys((*ids, *customers), ())
        # A merged company answers under the survivor's id: nothing is there under the old one.
        read = partial(
            self._gateway.read, record_ids.COMPANIES, properties=properties, what="companies"
        )
        for row in read(ids):
            if str(row["id"]) in found:
                found[str(row["id"])] = self._glances([row], plan)
        for customer, rows in self._claims.of(customers, plan.customer_field, read=read).items():
            found[customer] = self._glances(rows, plan)
        return found

    def _glances(self, rows: Sequence[Row], plan: ReadPlan) -> tuple[AccountGlance, ...] | Bug:
        try:
            return tuple(self._glance(row, plan) for row in rows)
        except (KeyError, ValueError, TypeError, AttributeError) as problem:
            return Bug(f"a company came in an unknown form ({type(problem).__name__})")

    def _glance(self, row: Row, plan: ReadPlan) -> AccountGlance:
        said = row["properties"]
        return AccountGlance(
            ref=record_ids.account(row["id"]),
            fields={
                name: self._definitions.understood(name, said.get(name))
                for name in plan.account_fields
            },
        )
