"""Stripe's JSON as types: only the fields we use, tolerant to what is absent, strict to nonsense.

Shapes: docs.stripe.com/api at version 2026-10-28.endive. Fields of older versions stand beside
them where a webhook endpoint may still send them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from domain.errors import Bug


def _moment(value: Any) -> Any:
    # pydantic would read the number too, but with a time zone of its own instead of UTC.
    if isinstance(value, int) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    return value


def _id(value: Any) -> Any:
    return value.get("id") if isinstance(value, Mapping) else value


def _texts(value: Any) -> Any:
    return {} if value is None else value


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""Unix seconds as aware UTC."""
Id = Annotated[str | None, BeforeValidator(_id)]
"""A reference of which only the id matters, expanded or not."""
Texts = Annotated[Mapping[str, str], BeforeValidator(_texts)]
"""Metadata."""
T = TypeVar("T")


class Wire(BaseModel):
    """Base: frozen, unknown fields ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Page(Wire, Generic[T]):
    """One page of a list."""

    data: tuple[T, ...] = ()
    has_more: bool = False


class Card(Wire):
    brand: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None
    country: str | None = None


class PaymentMethod(Wire):
    id: str
    type: str | None = None
    created: Moment | None = None
    card: Card | None = None


class InvoiceSettings(Wire):
    default_payment_method: str | PaymentMethod | None = None


class Address(Wire):
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Customer(Wire):
    id: str
    deleted: bool = False
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    address: Address | None = None
    currency: str | None = None
    invoice_settings: InvoiceSettings | None = None
    metadata: Texts = Field(default_factory=dict)


class Coupon(Wire):
    class AppliesTo(Wire):
        products: tuple[str, ...] = ()

    id: str
    percent_off: Decimal | None = None
    amount_off: int | None = None
    currency: str | None = None
    duration: str | None = None
    applies_to: AppliesTo | None = None


class Discount(Wire):
    class Source(Wire):
        coupon: str | Coupon | None = None

    id: str
    start: Moment | None = None
    end: Moment | None = None
    source: Source | None = None
    legacy_coupon: str | Coupon | None = Field(default=None, alias="coupon")

    @property
    def coupon(self) -> str | Coupon | None:
        """The coupon where this version keeps it, or where older ones did."""
        return (self.source.coupon if self.source else None) or self.legacy_coupon


class Tier(Wire):
    up_to: int | None = None
    unit_amount_decimal: Decimal | None = None
    flat_amount_decimal: Decimal | None = None


class Price(Wire):
    class Recurring(Wire):
        interval: str
        interval_count: int = 1
        usage_type: str = "licensed"

    class TransformQuantity(Wire):
        divide_by: int
        round: str = "up"

    id: str
    currency: str
    unit_amount: int | None = None
    unit_amount_decimal: Decimal | None = None
    billing_scheme: str = "per_unit"
    tiers_mode: str | None = None
    tiers: tuple[Tier, ...] | None = None
    transform_quantity: TransformQuantity | None = None
    recurring: Recurring | None = None
    nickname: str | None = None
    lookup_key: str | None = None
    product: Id = None


class Item(Wire):
    id: str
    price: Price
    quantity: int | None = None
    current_period_end: Moment | None = None
    discounts: tuple[str | Discount, ...] = ()


class PauseCollection(Wire):
    behavior: str
    resumes_at: Moment | None = None


class CancellationDetails(Wire):
    reason: str | None = None


class StatusDetails(Wire):
    class Paused(Wire):
        class Cause(Wire):
            type: str | None = None

        subscription: Cause | None = None

    paused: Paused | None = None


class Subscription(Wire):
    id: str
    status: str
    currency: str | None = None
    customer: str | Customer | None = None
    items: Page[Item] = Page[Item]()
    discounts: tuple[str | Discount, ...] = ()
    pause_collection: PauseCollection | None = None
    start_date: Moment | None = None
    created: Moment | None = None
    cancel_at: Moment | None = None
    cancel_at_period_end: bool = False
    canceled_at: Moment | None = None
    ended_at: Moment | None = None
    cancellation_details: CancellationDetails | None = None
    status_details: StatusDetails | None = None
    default_payment_method: str | PaymentMethod | None = None
    current_period_end: Moment | None = None
    latest_invoice: Id = None
    metadata: Texts = Field(default_factory=dict)


class ListedCustomer(Customer):
    """A customer whose subscriptions came along."""

    subscriptions: Page[Subscription] = Page[Subscription]()


class Outcome(Wire):
    type: str | None = None
    reason: str | None = None
    advice_code: str | None = None
    network_advice_code: str | None = None
    network_decline_code: str | None = None


class PaymentMethodDetails(Wire):
    type: str | None = None
    card: Card | None = None


class Charge(Wire):
    id: str
    created: Moment
    status: str
    failure_code: str | None = None
    outcome: Outcome | None = None
    payment_intent: Id = None
    payment_method: str | None = None
    payment_method_details: PaymentMethodDetails | None = None


class PaymentError(Wire):
    type: str | None = None
    code: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None
    network_advice_code: str | None = None
    network_decline_code: str | None = None


class PaymentIntent(Wire):
    id: str
    status: str | None = None
    last_payment_error: PaymentError | None = None
    latest_charge: str | Charge | None = None


class InvoicePayment(Wire):
    class Payment(Wire):
        type: str | None = None
        payment_intent: str | PaymentIntent | None = None
        charge: str | Charge | None = None

    id: str
    is_default: bool = False
    status: str | None = None
    created: Moment | None = None
    payment: Payment | None = None


class Line(Wire):
    class Amount(Wire):
        amount: int

    class Tax(Wire):
        amount: int
        tax_behavior: str | None = None

    class Period(Wire):
        start: Moment
        end: Moment

    class Parent(Wire):
        class ItemDetails(Wire):
            subscription: Id = None
            proration: bool = False

        type: str | None = None
        subscription_item_details: ItemDetails | None = None

    id: str
    amount: int
    currency: str
    description: str | None = None
    period: Period
    discount_amounts: tuple[Amount, ...] | None = None
    taxes: tuple[Tax, ...] | None = None
    parent: Parent | None = None


class StatusTransitions(Wire):
    finalized_at: Moment | None = None
    paid_at: Moment | None = None
    voided_at: Moment | None = None
    marked_uncollectible_at: Moment | None = None


class InvoiceParent(Wire):
    class SubscriptionDetails(Wire):
        subscription: Id = None

    subscription_details: SubscriptionDetails | None = None


class Invoice(Wire):
    id: str
    customer: Id = None
    number: str | None = None
    status: str | None = None
    currency: str
    total: int = 0
    amount_remaining: int = 0
    amount_paid: int = 0
    amount_paid_off_stripe: int | None = None
    created: Moment
    collection_method: str | None = None
    auto_advance: bool | None = None
    attempt_count: int = 0
    attempted: bool = False
    next_payment_attempt: Moment | None = None
    due_date: Moment | None = None
    billing_reason: str | None = None
    parent: InvoiceParent | None = None
    legacy_subscription: Id = Field(default=None, alias="subscription")
    status_transitions: StatusTransitions = StatusTransitions()
    default_payment_method: Id = None
    lines: Page[Line] = Page[Line]()
    payments: Page[InvoicePayment] | None = None
    pre_payment_credit_notes_amount: int = 0
    post_payment_credit_notes_amount: int = 0
    metadata: Texts = Field(default_factory=dict)

    @property
    def subscription(self) -> str | None:
        """The subscription it bills, where this version keeps it, or where older ones did."""
        details = self.parent.subscription_details if self.parent else None
        return (details.subscription if details else None) or self.legacy_subscription


W = TypeVar("W", bound=Wire)


def parse(model: type[W], body: Mapping[str, Any]) -> W:
    """The body as `model`. `Bug` names the fields that have an impossible shape, never a value."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        where = ", ".join(
            f"{'.'.join(str(step) for step in one['loc'])} ({one['type']})"
            for one in error.errors(include_input=False, include_url=False)[:5]
        )
        raise Bug(
            f"Stripe's {model.__name__} {body.get('id', '')} has an odd shape: {where}"
        ) from None
