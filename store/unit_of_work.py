"""One transaction per step: the only place that commits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import sqlalchemy as sa
from psycopg.errors import DeadlockDetected

from domain.boundary import transaction_open
from domain.errors import Conflict
from store.agreed import AgreedFields
from store.audit import Audit
from store.breaker import BreakerRows
from store.cases import Cases
from store.drafts import Drafts
from store.effects import Effects
from store.field_writes import FieldWrites
from store.inbox import Inbox
from store.known import Known
from store.lanes import Lanes
from store.links import Links
from store.plans import Plans
from store.system import System
from store.written import Written


class Deadlocked(Conflict):
    """Nothing of this transaction was kept, for another one's sake: it may be tried at once."""

    code = "deadlocked"


class Transaction:
    """Every repository over one open transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.inbox = Inbox(connection)
        self.links = Links(connection)
        self.lanes = Lanes(connection)
        self.cases = Cases(connection)
        self.effects = Effects(connection)
        self.written = Written(connection)
        self.fields = FieldWrites(connection)
        self.agreed = AgreedFields(connection)
        self.known = Known(connection)
        self.audit = Audit(connection)
        self.breaker = BreakerRows(connection)
        self.system = System(connection)
        self.plans = Plans(connection)
        self.drafts = Drafts(connection)


class UnitOfWork:
    """Opens transactions on one pool. While one is open a call to a vendor raises."""

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        self._engine = sa.create_engine(
            url,
            pool_size=pool_size,
            max_overflow=5,
            pool_pre_ping=True,
            json_serializer=partial(json.dumps, default=str),
        )

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """One transaction: committed when the block ends well, rolled back when it raises.

        Raises `Deadlocked` if the database chose it to end a deadlock: the other one goes on.
        """
        try:
            with transaction_open("a database transaction"), self._engine.begin() as connection:
                yield Transaction(connection)
        except sa.exc.OperationalError as problem:
            if isinstance(problem.orig, DeadlockDetected):
                raise Deadlocked("two transactions waited for each other") from problem
            raise

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()
