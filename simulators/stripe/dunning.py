"""Stripe's collection of an open invoice: attempts, retries, holds, resumes and the bitter end."""

from __future__ import annotations

from datetime import timedelta

from simulators.stripe import collect, endings
from simulators.stripe.cards import Decline
from simulators.stripe.periods import days
from simulators.stripe.world import Obj, World


def plan(world: World, invoice: Obj, moment: int) -> None:
    """Let the next automatic attempt happen at `moment`, and at no other time."""
    life = world.life(invoice)
    life.token += 1
    life.planned_for = moment
    token = life.token

    def step() -> None:
        if life.token == token and invoice["status"] == "open" and invoice["auto_advance"]:
            attempt_automatically(world, invoice)

    world.at(moment, step)


def attempt_automatically(world: World, invoice: Obj) -> Decline | None:
    """Stripe's own attempt: counts, mails, plans the next one or ends the story."""
    life = world.life(invoice)
    life.planned_for = None
    method = collect.method_for(world, invoice)
    if life.wasted_on is not None and method is not None and life.wasted_on == method["id"]:
        # VENDOR: after a non-retryable decline the schedule and the counter run on, but nothing
        # is sent to the bank until a new method exists (smart-retries).
        decline: Decline | None = world.cards[method["id"]].decline() or collect.NO_METHOD
    else:
        decline = collect.charge(world, invoice, method)
    if decline is None:
        collect.settle(world, invoice, counts=True)
        return None
    if life.first_failed_at is None:
        life.first_failed_at = world.now()
        life.asks = decline.code == "authentication_required"
        _remind(world, invoice)
    if life.window_from is None:
        life.window_from = world.now()
    life.wasted_on = method["id"] if method is not None and not decline.retryable else None
    first_of_new = invoice["billing_reason"] == "subscription_create"
    upcoming = None if first_of_new else _next_slot(world, invoice)
    if upcoming is not None:
        plan(world, invoice, upcoming)
    shown_late = world.behaviour.next_attempt_comes_later and upcoming is not None
    fail(world, invoice, decline, counts=True, next_at=None if shown_late else upcoming)
    if shown_late:
        world.edit(invoice, "invoice.updated", {"next_payment_attempt": upcoming})
    collect.mail_about_failure(world, invoice, decline)
    if upcoming is None and not first_of_new:
        end(world, invoice)
    return decline


def fail(
    world: World, invoice: Obj, decline: Decline, *, counts: bool, next_at: int | None
) -> None:
    """Write a failed attempt into invoice, subscription and customer, and tell."""
    previous = world.alter(
        invoice,
        {
            "attempted": True,
            "attempt_count": invoice["attempt_count"] + (1 if counts else 0),
            "next_payment_attempt": next_at,
        },
    )
    world.emit("invoice.payment_failed", invoice)
    if previous:
        world.emit("invoice.updated", invoice, previous)
    if decline.code == "authentication_required":
        world.emit("invoice.payment_action_required", invoice)
    world.edit(world.customer(invoice["customer"]), "customer.updated", {"delinquent": True})
    subscription = world.subscription_of(invoice)
    if subscription is None or subscription["latest_invoice"] != invoice["id"]:
        return
    if subscription["status"] == "active" and invoice["billing_reason"] != "subscription_create":
        if world.behaviour.pause_on_first_failure:
            endings.pause(world, subscription, "first_payment_failure")
        else:
            world.edit(subscription, "customer.subscription.updated", {"status": "past_due"})


def _next_slot(world: World, invoice: Obj) -> int | None:
    start = world.life(invoice).window_from
    if start is None or invoice["collection_method"] != "charge_automatically":
        return None
    for day in world.behaviour.retry_days:
        moment = start + int(day * 86400)
        if moment > world.now():
            return moment
    return None


def end(world: World, invoice: Obj) -> None:
    """The retries are used up: do to subscription and invoice what the Dashboard says."""
    life = world.life(invoice)
    if life.ended or invoice["status"] != "open":
        return
    life.ended = True
    subscription = world.subscription_of(invoice)
    if subscription is not None and subscription["status"] in ("active", "past_due"):
        match world.behaviour.end_action:
            case "cancel":
                endings.cancel(world, subscription, reason="payment_failed")
            case "unpaid":
                world.edit(subscription, "customer.subscription.updated", {"status": "unpaid"})
            case "pause":
                endings.pause(world, subscription, "final_payment_failure")
            case "past_due":
                pass
    match world.behaviour.end_invoice:
        case "uncollectible":
            endings.mark_uncollectible(world, invoice, "max_payment_attempts")
        case "void":
            endings.void(world, invoice)
        case "leave":
            pass


def hold(world: World, invoice: Obj) -> Obj:
    """What else changes on an open invoice when its `auto_advance` goes false."""
    life, behaviour = world.life(invoice), world.behaviour
    life.token += 1
    life.planned_for = None
    if not behaviour.automation_survives_hold:
        life.automation_ended = True
    if behaviour.end_action_while_held and life.window_from is not None:
        token = life.token
        last = life.window_from + int(max(behaviour.retry_days, default=0) * 86400)

        def step() -> None:
            if life.token == token:
                end(world, invoice)

        world.at(max(last, world.now()), step)
    return {"next_payment_attempt": None} if behaviour.hold_clears_next_attempt else {}


def resume(world: World, invoice: Obj) -> Obj:
    """What else changes on an open invoice when its `auto_advance` goes true again."""
    life, behaviour = world.life(invoice), world.behaviour
    if behaviour.automation_after_resume != "dropped":
        life.automation_ended = False
    if behaviour.automation_after_resume == "restarts" and life.first_failed_at is not None:
        _remind(world, invoice)
    if invoice["collection_method"] != "charge_automatically":
        return {}
    if life.first_failed_at is None:
        delay = behaviour.charge_after_api_finalize
        moment: int | None = world.now() + int(delay.total_seconds())
    else:
        if behaviour.resume_window == "restart":
            life.window_from = None if behaviour.on_resume == "charge_soon" else world.now()
            life.ended = False
        if behaviour.resume_window == "drop":
            moment = None
        elif behaviour.on_resume == "charge_soon":
            moment = world.now() + int(behaviour.resume_charge_delay.total_seconds())
        else:
            moment = _next_slot(world, invoice)
    if moment is not None:
        plan(world, invoice, moment)
    return {"next_payment_attempt": moment}


def pay(
    world: World, invoice: Obj, method: Obj | None, *, on_session: bool = False
) -> Decline | None:
    """A person or an API call pays now: no schedule moves, only the very first attempt counts."""
    first = not invoice["attempted"]
    chosen = method or collect.method_for(world, invoice)
    decline = collect.charge(world, invoice, chosen, on_session=on_session)
    if decline is None:
        collect.settle(world, invoice, counts=first)
        return None
    fail(world, invoice, decline, counts=first, next_at=invoice["next_payment_attempt"])
    rule = world.behaviour.manual_failure_mails
    if rule == "always" or (rule == "unless_quiet" and invoice["auto_advance"]):
        collect.mail_about_failure(world, invoice, decline)
    return decline


def _remind(world: World, invoice: Obj) -> None:
    behaviour, life = world.behaviour, world.life(invoice)
    life.automation_run += 1
    run = life.automation_run

    def send(kind: str) -> None:
        silenced = (
            life.automation_ended
            or life.automation_run != run
            or (not invoice["auto_advance"] and not behaviour.automation_survives_hold)
        )
        if invoice["status"] == "open" and not silenced:
            world.mailer.post(
                kind,
                customer=invoice["customer"],
                to=invoice["customer_email"],
                invoice=invoice["id"],
                delay=timedelta(0),
            )

    for day in behaviour.reminder_days:
        world.after(days(day), lambda: send("reminder"))
    for day in behaviour.action_reminder_days if life.asks else ():
        world.after(days(day), lambda: send("action_required"))
