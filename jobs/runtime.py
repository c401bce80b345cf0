"""The one wiring: settings become a store, connectors, and the use cases over them."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

import redis
from rq.timeouts import BaseTimeoutException

from domain.effects import EffectKind
from domain.errors import Misconfigured
from domain.ports import Examines, SendsSignals
from domain.rows import EVALUATE, EffectMode
from domain.situation import Names
from jobs import upkeep
from jobs.clock import FileClock, SystemClock
from jobs.crms import CRMS, CrmConnector, connected
from jobs.relay import BULK_BATCH
from settings import Settings
from store.codec import CRM, PAYMENTS
from store.unit_of_work import UnitOfWork
from sync.actions import Actions
from sync.breaker import Breaker
from sync.clock import Clock
from sync.configs import Configs
from sync.crms import Crm, Crms
from sync.deliver import Deliver
from sync.deliver_payments import PaymentEffects
from sync.evaluate import Evaluate
from sync.fields import Fields
from sync.gate import Gate
from sync.intake import Intake
from sync.reconcile import Found, Reconcile
from sync.refresh import Refresh
from sync.suggesting import Suggest
from sync.survey import Survey

if TYPE_CHECKING:
    from connectors.stripe.connector import StripeConnector
    from domain.facts import CrmPicture, PaymentPicture
    from mappings.mapping import FieldMapping

PAYMENTS_SYSTEM = "stripe"
SYSTEMS = (PAYMENTS_SYSTEM, *CRMS)
"""Every system that effects can be delivered to, each with a queue of its own."""


def served(settings: Settings) -> tuple[str, ...]:
    """The systems that this installation delivers to: each has a queue and a worker."""
    return (PAYMENTS_SYSTEM, *connected(settings))


def bulk_sizes(settings: Settings) -> Mapping[str, int]:
    """How many accounts of bulk work one job takes, by kind of lane."""
    written = {name: CRMS[name].records_per_write for name in connected(settings)}
    return {EVALUATE: BULK_BATCH, PAYMENTS_SYSTEM: PAYMENTS_AT_ONCE, **written}


PAYMENTS_AT_ONCE = 50
"""Customers that one bulk job writes to, one by one and a few calls each: well inside its time."""
NAMES = Names(payments="Stripe", crm="the CRM")
"""How systems are called in texts; an account's own CRM takes the place of the second."""
UNSTOPPABLE: tuple[type[BaseException], ...] = (BaseTimeoutException,)
"""What must never be caught as one account's failure: a job that has run out of time ends."""

OF_MAPPINGS = ("mappings", "crms", "refresh", "evaluate", "deliver", "survey")
"""What a runtime makes anew when another version of a mapping is in force."""


class _Pictures:
    """Pictures to plain JSON, by their type."""

    def dump(self, picture: PaymentPicture | CrmPicture) -> object:
        """Plain JSON values."""
        from domain.facts import PaymentPicture

        if isinstance(picture, PaymentPicture):
            return PAYMENTS.dump(picture)
        return CRM.dump(picture)


class Runtime:
    """Everything a process of ours needs, made when it is first asked for.

    Connectors hold connections and tokens: one runtime per process and thread of work.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        database_url: str,
        redis_url: str,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.database_url = database_url
        self.redis_url = redis_url
        self.clock = clock or clock_of(settings)
        self.owner = f"{socket.gethostname()}:{os.getpid()}"

    @cached_property
    def store(self) -> UnitOfWork:
        """The durable store."""
        return UnitOfWork(self.database_url)

    @cached_property
    def redis(self) -> redis.Redis:
        """The Redis client of limits, tokens and queues."""
        return redis.Redis.from_url(self.redis_url)

    @cached_property
    def stripe(self) -> StripeConnector:
        """The Stripe connector. `Misconfigured` without a key."""
        from connectors.kit.limits import SharedLimiter
        from connectors.stripe.connector import StripeConnector
        from connectors.stripe.manifest import limits_for

        ours = self.settings.stripe
        key = ours.api_key.get_secret_value()
        if not key:
            raise Misconfigured(
                "there is no Stripe key",
                row="stripe.api_key",
                remedy="Set KIDGLOVE_STRIPE__API_KEY.",
            )
        limits = limits_for(key)
        if ours.calls_per_second is not None:
            limits = replace(
                limits, rate=ours.calls_per_second, burst=max(1, int(ours.calls_per_second / 4))
            )
        return StripeConnector(
            key,
            base_url=ours.api_base,
            clock=self.clock.now,
            limiter=SharedLimiter(self.redis, limits, vendor=PAYMENTS_SYSTEM, credential=key),
            webhook_secrets=[secret.get_secret_value() for secret in ours.webhook_secrets],
            webhook_url=ours.webhook_url,
        )

    def follow(self) -> None:
        """Take up the mappings in force; each job begins with it, because processes live for days.

        What people write is what a connector's polls look for, and the task's key is what its
        writes look up: another version makes other connectors. The same version changes nothing.
        """
        before = self.__dict__.get("mappings")
        if before is not None and self._mappings_in_force() != before:
            for name in OF_MAPPINGS:
                self.__dict__.pop(name, None)

    @cached_property
    def mappings(self) -> Mapping[str, FieldMapping]:
        """The mapping of each connected CRM by which this runtime works since it last followed."""
        return self._mappings_in_force()

    def _mappings_in_force(self) -> Mapping[str, FieldMapping]:
        if not connected(self.settings):
            return {}
        with self.store.begin() as tx:
            return self.configs.current(tx, self.clock.now()).mappings

    @cached_property
    def crms(self) -> Mapping[str, CrmConnector]:
        """The connector of every configured CRM, by its system's name."""
        return {name: self.crm_with(name, mapping) for name, mapping in self.mappings.items()}

    def crm_with(self, system: str, mapping: FieldMapping) -> CrmConnector:
        """A connector of a configured CRM that reads and writes by this mapping."""
        return CRMS[system].load()(
            self.settings, mapping=mapping, clock=self.clock, connection=self.redis
        )

    @cached_property
    def configs(self) -> Configs:
        """The policy and mappings in force."""
        return Configs(default_preset=self.settings.policy_preset, crms=connected(self.settings))

    @cached_property
    def intake(self) -> Intake:
        """Inbox rows to dirty lanes."""
        signals: Mapping[str, SendsSignals] = {
            name: import_module(f"connectors.{name}.signals") for name in SYSTEMS
        }
        return Intake(self.store, signals, self.clock, unstoppable=UNSTOPPABLE)

    @cached_property
    def refresh(self) -> Refresh:
        """The reader of the truth."""
        return Refresh(
            payments_system=PAYMENTS_SYSTEM,
            payments=self.stripe,
            crms=Crms([self.crm(name) for name in self.crms], clock=self.clock),
        )

    def crm(self, system: str) -> Crm:
        """One connected CRM, as the use cases read it."""
        wiring = CRMS[system]
        return Crm(
            system=system,
            title=wiring.title,
            reads=self.crms[system],
            fallback_owner=wiring.fallback_owner(self.settings),
        )

    @property
    def modes(self) -> Mapping[EffectKind, EffectMode]:
        """Whether effects of each kind are dropped, written down only, or carried out."""
        return {kind: self.settings.mode_of(kind) for kind in EffectKind}

    @cached_property
    def evaluate(self) -> Evaluate:
        """The judge."""
        return Evaluate(
            store=self.store,
            refresh=self.refresh,
            configs=self.configs,
            clock=self.clock,
            names=NAMES,
            modes=self.modes,
            owner=self.owner,
            codec=_Pictures(),
            unstoppable=UNSTOPPABLE,
        )

    @cached_property
    def deliver(self) -> Mapping[str, Deliver]:
        """One deliverer for each system that is connected."""
        found = {
            PAYMENTS_SYSTEM: Deliver(
                system=PAYMENTS_SYSTEM,
                store=self.store,
                clock=self.clock,
                owner=self.owner,
                modes=self.modes,
                payments=PaymentEffects(
                    store=self.store,
                    quiets=self.stripe,
                    collects=self.stripe,
                    customers=self.stripe,
                    clock=self.clock,
                ),
                unstoppable=UNSTOPPABLE,
            )
        }
        for name, crm in self.crms.items():
            found[name] = Deliver(
                system=name,
                store=self.store,
                clock=self.clock,
                owner=self.owner,
                modes=self.modes,
                crm=crm,
                unstoppable=UNSTOPPABLE,
            )
        return found

    @cached_property
    def reconcile(self) -> Reconcile:
        """The finder of what no webhook told."""
        return Reconcile(
            store=self.store,
            configs=self.configs,
            clock=self.clock,
            payments_system=PAYMENTS_SYSTEM,
        )

    @cached_property
    def survey(self) -> Survey:
        """The look at everybody."""
        return Survey(
            store=self.store,
            configs=self.configs,
            clock=self.clock,
            payments_system=PAYMENTS_SYSTEM,
            payments=self.stripe,
            crms=self.crms,
        )

    @cached_property
    def actions(self) -> Actions:
        """What people do outside the CRM."""
        return Actions(self.store, self.clock)

    @cached_property
    def fields(self) -> Fields:
        """What people say about mapped fields."""
        return Fields(self.store, self.clock)

    @cached_property
    def suggest(self) -> Suggest:
        """The search for accounts that no record names."""
        return Suggest(
            store=self.store,
            configs=self.configs,
            clock=self.clock,
            payments_system=PAYMENTS_SYSTEM,
        )

    @cached_property
    def breaker(self) -> Breaker:
        """What people say about everything that was stopped."""
        return Breaker(self.store, self.clock)

    @cached_property
    def gate(self) -> Gate:
        """The last question before a personal mail."""
        return Gate(
            store=self.store, system=PAYMENTS_SYSTEM, payments=self.stripe, clock=self.clock
        )

    @property
    def examined(self) -> Mapping[str, Examines]:
        """Every connected system, for the doctor."""
        return {PAYMENTS_SYSTEM: self.stripe, **self.crms}

    def schedules(self) -> Mapping[str, timedelta]:
        """What runs by the clock, and how often."""
        return upkeep.schedules(self.settings, payments_system=PAYMENTS_SYSTEM)

    def upkeep(self, name: str, *, now: bool = False) -> Found:
        """Run one schedule. See `jobs.upkeep.run`."""
        return upkeep.run(self, name, now=now)

    def close(self) -> None:
        """Close what was opened."""
        self.store.close()
        self.redis.close()


def clock_of(settings: Settings) -> Clock:
    """Real time, unless the simulated vendors' time is configured."""
    return FileClock(settings.clock_file) if settings.clock_file else SystemClock()


_current: Runtime | None = None


def install(runtime: Runtime) -> None:
    """Make this the runtime of the process's jobs."""
    global _current
    _current = runtime


def current() -> Runtime:
    """The runtime of this process. RuntimeError if nobody installed one."""
    if _current is None:
        raise RuntimeError("no runtime is installed; workers are started by jobs.supervisor")
    return _current
