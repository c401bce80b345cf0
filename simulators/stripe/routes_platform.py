"""Endpoints: events, webhook endpoints, the customer portal."""

from __future__ import annotations

from simulators.stripe.endpoints import Desk, endpoint, page
from simulators.stripe.errors import invalid, refused
from simulators.stripe.forms import in_range, merged_metadata, required, truth
from simulators.stripe.world import Obj

EVENTS_KEPT = 30 * 86400
"""How far back `/v1/events` reaches, in seconds."""
_FLOWS = (
    "customer_update payment_method_update subscription_cancel subscription_pause "
    "subscription_update subscription_update_confirm"
).split()


@endpoint(
    "GET",
    "/v1/events",
    "event_read",
    "limit starting_after ending_before type types created delivery_success",
)
def list_events(desk: Desk) -> Obj:
    world, params = desk.world, desk.params
    single, several = params.get("type"), params.get("types")
    if single and several:
        raise invalid("You may pass either type or types, but not both.", param="type")
    if several is not None and len(several) > 20:
        raise invalid("You may pass up to 20 types.", param="types")
    oldest = world.now() - EVENTS_KEPT
    wanted = [single] if single else several

    def matches(name: str) -> bool:
        return wanted is None or any(
            name == known or (known.endswith(".*") and name.startswith(known[:-1]))
            for known in wanted
        )

    def keep(row: Obj) -> bool:
        if not matches(row["type"]):
            return False
        if "delivery_success" in params:
            undelivered = bool(desk.hooks.pending.get(row["id"]))
            if undelivered == truth(params, "delivery_success"):
                return False
        return in_range(params, "created", row["created"])

    return page(desk, "event", "/v1/events", keep, since=oldest)


@endpoint("GET", "/v1/events/{id}", "event_read")
def retrieve_event(desk: Desk) -> Obj:
    return desk.world.get("event", desk.ids[0])


@endpoint(
    "POST",
    "/v1/webhook_endpoints",
    "webhook_write",
    "url enabled_events api_version description metadata connect",
)
def create_endpoint(desk: Desk) -> Obj:
    params = desk.params
    url = required(params, "url")
    if not str(url).startswith(("http://", "https://")):
        raise invalid("Invalid URL: URL must begin with http:// or https://.", param="url")
    live = list(desk.world.newest_first("webhook_endpoint"))
    if len(live) >= 16:
        raise refused("You have reached the maximum of 16 webhook endpoints.")
    endpoint, secret = desk.hooks.add(
        url,
        list(required(params, "enabled_events")),
        params.get("api_version") or None,
        description=params.get("description"),
        metadata=merged_metadata({}, params),
    )
    return {**endpoint, "secret": secret}


@endpoint("GET", "/v1/webhook_endpoints", "webhook_read", "limit starting_after ending_before")
def list_endpoints(desk: Desk) -> Obj:
    return page(desk, "webhook_endpoint", "/v1/webhook_endpoints")


@endpoint("GET", "/v1/webhook_endpoints/{webhook_endpoint}", "webhook_read")
def retrieve_endpoint(desk: Desk) -> Obj:
    return desk.world.get("webhook_endpoint", desk.ids[0])


@endpoint(
    "POST",
    "/v1/webhook_endpoints/{webhook_endpoint}",
    "webhook_write",
    "url enabled_events disabled description metadata",
)
def update_endpoint(desk: Desk) -> Obj:
    params = desk.params
    found = desk.world.get("webhook_endpoint", desk.ids[0])
    changes: Obj = {"metadata": merged_metadata(found["metadata"], params)}
    for name in ("url", "description"):
        if name in params:
            changes[name] = params[name] or None
    if "enabled_events" in params:
        changes["enabled_events"] = list(params["enabled_events"])
    if "disabled" in params:
        changes["status"] = "disabled" if truth(params, "disabled") else "enabled"
    desk.world.alter(found, changes)
    return found


@endpoint("DELETE", "/v1/webhook_endpoints/{webhook_endpoint}", "webhook_write")
def delete_endpoint(desk: Desk) -> Obj:
    found = desk.world.get("webhook_endpoint", desk.ids[0])
    desk.world.drop(found)
    return {"id": found["id"], "object": "webhook_endpoint", "deleted": True}


@endpoint(
    "POST",
    "/v1/billing_portal/sessions",
    "customer_portal_write",
    "customer configuration return_url locale on_behalf_of flow_data.type "
    "flow_data.after_completion.type flow_data.after_completion.redirect.return_url "
    "flow_data.after_completion.hosted_confirmation.custom_message "
    "after_expiration.type after_expiration.customer_login.expires_at",
)
def create_portal_session(desk: Desk) -> Obj:
    params = desk.params
    customer = desk.world.get("customer", required(params, "customer"), param="customer")
    if params.get("configuration"):
        desk.world.get(
            "billing_portal.configuration", params["configuration"], param="configuration"
        )
    flow = params.get("flow_data")
    if isinstance(flow, dict) and flow.get("type") not in _FLOWS:
        raise invalid("Invalid flow_data[type]", param="flow_data[type]")
    after = params.get("after_expiration")
    if isinstance(after, dict) and after.get("type") != "customer_login":
        raise invalid(
            "Invalid after_expiration[type]: must be customer_login",
            param="after_expiration[type]",
        )
    return desk.portal.open(customer, params)


@endpoint(
    "GET",
    "/v1/billing_portal/configurations",
    "customer_portal_read",
    "limit starting_after ending_before active is_default",
)
def list_configurations(desk: Desk) -> Obj:
    params = desk.params
    desk.portal.configuration()

    def keep(row: Obj) -> bool:
        return all(
            name not in params or row[name] == truth(params, name)
            for name in ("active", "is_default")
        )

    return page(desk, "billing_portal.configuration", "/v1/billing_portal/configurations", keep)


@endpoint("GET", "/v1/billing_portal/configurations/{configuration}", "customer_portal_read")
def retrieve_configuration(desk: Desk) -> Obj:
    return desk.world.get("billing_portal.configuration", desk.ids[0])
