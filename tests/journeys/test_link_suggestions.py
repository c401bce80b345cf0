"""A CRM account that names no customer is suggested; nothing follows before a person says so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.ids import Ref
from domain.rows import BY_A_PERSON
from sync.suggesting import Suggested
from tests.journeys.test_backfill import filler
from tests.sides import Side
from tests.world import World


@pytest.fixture
def world(world_on_each_crm: World) -> World:
    """A world with one CRM, each in turn."""
    return world_on_each_crm


def failing(world: World, name: str = "Aurelius Partners") -> str:
    """A customer whose renewal failed, and whom no CRM account names; ap@aurelius-partners.example
    is its mail."""
    customer = world.customer(name)
    world.hours(4)
    return customer


def suggest(world: World, crm: Side, *, keep: bool = True) -> Suggested:
    here = world.runtime
    one = next(each for each in here.refresh.crms.connected if each.system == crm.system)
    found = here.suggest.run(
        one,
        here.crms[crm.system],  # type: ignore[arg-type]
        here.suggest.unlinked(crm.system),
        keep=keep,
    )
    world.settle()
    return found


def links(world: World, crm: Side, customer: str) -> dict[str, tuple[str, str | None]]:
    """The state and the reason of each CRM link of a customer's account, by record."""
    with world.runtime.store.begin() as tx:
        found = tx.links.of(world.account(customer))
    return {
        one.external_id: (one.state.value, one.reason) for one in found if one.system == crm.system
    }


def decide(world: World, crm: Side, account: str, *, confirm: bool) -> None:
    """A person confirms or rejects, and the account is judged again."""
    ref = Ref(crm.system, "account", account)
    with world.runtime.store.begin() as tx:
        change = tx.links.confirm if confirm else tx.links.reject
        owner = next(one.account for one in tx.links.all() if one.external_id == account)
        assert change(ref, now=world.clock.now())
        assert owner is not None
        tx.lanes.mark_dirty(owner, "evaluate", cause="person:link")
    world.settle()


@pytest.mark.req("R21")
def test_an_account_with_the_domain_of_the_mail_is_suggested_with_the_reason(
    world: World, crm: Side
) -> None:
    account = crm.add_account("AP Beteiligungen", customer=None)
    crm.edit(account, crm.site, "aurelius-partners.example")
    customer = failing(world)

    suggest(world, crm)

    reason = "its website is at aurelius-partners.example, and the customer's mail too"
    assert links(world, crm, customer) == {account: ("suggested", reason)}


@pytest.mark.req("R21")
def test_an_account_of_the_same_name_without_its_legal_form_is_suggested(
    world: World, crm: Side
) -> None:
    account = crm.add_account("AURELIUS PARTNERS", customer=None)
    customer = failing(world, "Aurelius Partners, Inc.")

    suggest(world, crm)

    reason = "its name 'AURELIUS PARTNERS' is like the customer's"
    assert links(world, crm, customer) == {account: ("suggested", reason)}


@pytest.mark.req("R21")
def test_nothing_is_written_to_a_suggested_account(world: World, crm: Side) -> None:
    account = crm.add_account("Aurelius Partners", customer=None)
    customer = failing(world)
    before = crm.row(account), world.stripe.world.customer(customer)["metadata"]

    suggest(world, crm)
    world.days(2)
    world.runtime.reconcile.sweep_everybody()
    world.settle()

    assert (crm.row(account), world.stripe.world.customer(customer)["metadata"]) == before
    assert crm.tasks(account) == []


@pytest.mark.req("R21")
def test_a_confirmed_suggestion_is_a_link_like_any_other(world: World, crm: Side) -> None:
    account = crm.add_account("Aurelius Partners", customer=None)
    customer = world.customer(renews_in=timedelta(days=2))
    filler(world).run()
    world.settle()
    suggest(world, crm)

    decide(world, crm, account, confirm=True)
    world.days(3)

    assert links(world, crm, customer) == {account: ("confirmed", BY_A_PERSON)}
    assert crm.fields(account).status == "failed"
    assert len(crm.tasks(account)) >= 1


@pytest.mark.req("R21")
def test_a_rejected_suggestion_does_not_come_back(world: World, crm: Side) -> None:
    account = crm.add_account("Aurelius Partners", customer=None)
    customer = failing(world)
    suggest(world, crm)
    decide(world, crm, account, confirm=False)

    found = suggest(world, crm)

    assert (found.found, found.refused) == ((), 1)
    assert links(world, crm, customer) == {account: ("rejected", None)}


@pytest.mark.req("R21")
def test_of_two_that_fit_both_are_suggested_and_the_one_that_is_confirmed_stays(
    world: World, crm: Side
) -> None:
    one = crm.add_account("Aurelius Partners", customer=None)
    other = crm.add_account("Aurelius Partners", customer=None)
    customer = failing(world)

    suggest(world, crm)

    suggested = {id: state for id, (state, _) in links(world, crm, customer).items()}
    assert suggested == {one: "suggested", other: "suggested"}
    decide(world, crm, other, confirm=True)
    assert links(world, crm, customer) == {other: ("confirmed", BY_A_PERSON)}


@pytest.mark.req("R21")
def test_an_account_that_fits_two_customers_is_suggested_to_neither(
    world: World, crm: Side
) -> None:
    crm.add_account("Aurelius Partners", customer=None)
    first, second = failing(world), failing(world)

    found = suggest(world, crm)

    assert (found.found, len(found.shared)) == ((), 1)
    assert (links(world, crm, first), links(world, crm, second)) == ({}, {})


@pytest.mark.req("R21")
def test_an_account_that_names_a_customer_is_suggested_to_nobody_else(
    world: World, crm: Side
) -> None:
    crm.add_account("Aurelius Partners", customer="cus_of_somebody_else")
    customer = failing(world)

    found = suggest(world, crm)

    assert found == Suggested()
    assert links(world, crm, customer) == {}


@pytest.mark.req("R21")
def test_where_a_record_names_the_customer_nothing_is_suggested(world: World, crm: Side) -> None:
    lookalike = crm.add_account("Aurelius Partners", customer=None)
    customer = failing(world)
    named = crm.add_account("AP Beteiligungen", customer=customer)

    found = suggest(world, crm)

    assert (found.found, found.named) == ((), 1)
    assert lookalike not in links(world, crm, customer)
    assert named not in {one.ref.id for one in found.found}


@pytest.mark.req("R21")
def test_a_record_that_names_the_customer_later_needs_nobodys_word(world: World, crm: Side) -> None:
    account = crm.add_account("Aurelius Partners", customer=None)
    customer = failing(world)
    suggest(world, crm)

    names = {"salesforce": "Stripe_Customer_Id__c", "hubspot": "stripe_customer_id"}
    crm.edit(account, names[crm.system], customer)
    world.days(1)
    world.runtime.reconcile.sweep_everybody()
    world.settle()

    assert links(world, crm, customer) == {account: ("confirmed", None)}


@pytest.mark.req("R21")
def test_looking_without_keeping_writes_nothing_down(world: World, crm: Side) -> None:
    account = crm.add_account("Aurelius Partners", customer=None)
    customer = failing(world)

    found = suggest(world, crm, keep=False)

    assert [one.ref.id for one in found.found] == [account]
    assert links(world, crm, customer) == {}
