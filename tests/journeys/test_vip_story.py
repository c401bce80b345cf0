"""The story the product exists for, from the failed renewal to the restored settings."""

from __future__ import annotations

from tests.world import World


def test_a_vip_failure_is_quiet_and_becomes_one_task(world: World) -> None:
    customer, account = world.vip()
    world.settle()
    world.hours(6)
    case = world.open_case(customer)
    print(world.alerts())
    print([ (t["WhatId"],account) for t in world.tasks()])
    with world.runtime.store.begin() as tx:
        for l in tx.audit.of_account(world.account(customer)): print(l.at, l.kind, l.text, l.details.get("cause"))
        print(tx.links.of(world.account(customer)))
        print(str(tx.system.picture(world.account(customer),"crm"))[:600])
    for t in world.tasks(): print(t["Subject"]); print(t["Description"])
    print(world.certificate(customer))
    assert world.robotic(customer) == []
    for s in world.stripe.requests: print(s.method, s.path, s.status)
    for s in world.org.requests: print(s.method, s.path[:150], s.status)
    task = world.task(account)
