"""Glances at accounts: the mapped fields alone, four hundred accounts a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.salesforce import ids as record_ids
from connectors.salesforce import soql
from connectors.salesforce.client import Gateway, Row
from connectors.salesforce.names import at_path
from connectors.salesforce.records import claimed
from domain.errors import Bug, Gone, KidgloveError, Misconfigured
from domain.ports import AccountGlance, ReadPlan

AT_ONCE = 400
"""Ids in one query: with the fields' names still under the 16 kB at which servers refuse it."""

Glances = dict[str, tuple[AccountGlance, ...] | KidgloveError]


class AccountSurveyor:
    """`SurveysAccounts` for Salesforce. Nothing here may use the calls that are kept for cases."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def survey_accounts(
        self, *, ids: Sequence[str] = (), customers: Sequence[str] = (), plan: ReadPlan
    ) -> Mapping[str, tuple[AccountGlance, ...] | KidgloveError]:
        """See `SurveysAccounts.survey_accounts`."""
        if customers and not plan.customer_field:
            raise Misconfigured("no field holds the payment customer", row="customer_field")
        found: Glances = dict.fromkeys((*ids, *customers), ())
        wanted: dict[str, str] = {}
        for one in ids:
            try:
                wanted[record_ids.to_18(one)] = one
            except ValueError:
                found[one] = Gone(f"the account id {soql.quoted(one[:20])} is no Salesforce id")
        for some in soql.slices(list(wanted), AT_ONCE):
            for row in self._rows(f"Id IN {soql.in_list(some)}", plan):
                found[wanted[record_ids.to_18(row["Id"])]] = _glances([row], plan)
        for some in soql.slices(list(dict.fromkeys(customers)), AT_ONCE):
            field = soql.name(plan.customer_field)
            rows = self._rows(f"{field} IN {soql.in_list(some)}", plan)
            for customer in some:
                claims = [row for row in rows if customer in claimed(row, plan.customer_field)]
                found[customer] = _glances(claims, plan)
        return found

    def _rows(self, where: str, plan: ReadPlan) -> list[Row]:
        fields = ["Id", *map(soql.name, plan.account_fields)]
        if plan.customer_field:
            fields.append(soql.name(plan.customer_field))
        return self._gateway.query(soql.select(fields, "Account", where=where), what="accounts")


def _glances(rows: Sequence[Row], plan: ReadPlan) -> tuple[AccountGlance, ...] | Bug:
    try:
        return tuple(_glance(row, plan) for row in rows)
    except (KeyError, ValueError, TypeError) as problem:
        return Bug(f"an account came in an unknown form ({type(problem).__name__})")


def _glance(row: Row, plan: ReadPlan) -> AccountGlance:
    return AccountGlance(
        ref=record_ids.account(row["Id"]),
        fields={field: at_path(row, field) for field in plan.account_fields},
    )
