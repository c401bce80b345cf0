"""An account that is in two CRMs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from mappings.policy_file import preset_text
from sync.configs import POLICY
from tests.sides import Side
from tests.world import World


@dataclass
class Two:
    """A world with both CRMs, and one customer in each of them."""

    world: World
    salesforce: Side
    hubspot: Side

    def customer(
        self, *, amount: int = 1_420_000, renews_in: timedelta = timedelta(hours=2)
    ) -> tuple[str, str, str]:
        customer = self.world.customer(amount=amount, renews_in=renews_in)
        return (
            customer,
            self.salesforce.add_account("Aurelius Partners", customer=customer),
            self.hubspot.add_account("Aurelius Partners", customer=customer),
        )

    def policy(self, **crm: str) -> None:
        """Put the shipped policy in force with these rules about CRMs."""
        rules = "".join(f"  {name}: {value}\n" for name, value in crm.items())
        with self.world.runtime.store.begin() as tx:
            tx.system.add_config(
                POLICY,
                f"{preset_text('default')}\ncrm:\n{rules}",
                author="admin",
                note="test",
                now=self.world.clock.now(),
            )

    def tasks_beside(self, side: Side) -> list[str]:
        """The id of every task in a CRM, whosever it is."""
        if side is self.salesforce:
            return [str(row["Id"]) for row in self.world.org.rows("Task")]
        assert self.world.portal is not None
        return [row["hs_object_id"] for row in self.world.portal.rows("tasks")]
