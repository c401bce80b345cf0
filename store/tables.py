"""Every table of the store, in the order in which a message travels through them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True)


def _time(name: str, *, required: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not required)


def _account(*, required: bool = True) -> sa.Column[int]:
    return sa.Column(
        "account_id", sa.BigInteger, sa.ForeignKey("accounts.id"), nullable=not required
    )


inbox = sa.Table(
    "inbox",
    metadata,
    _id(),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("body", BYTEA, nullable=False),
    sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="new"),
    sa.Column("reason", sa.Text),
    sa.Column("account_id", sa.BigInteger),
    _time("done_at"),
    sa.UniqueConstraint("source", "key"),
    sa.Index("ix_inbox_new", "id", postgresql_where=sa.text("state = 'new'")),
    sa.Index("ix_inbox_account", "account_id", "id"),
)

accounts = sa.Table(
    "accounts",
    metadata,
    _id(),
    sa.Column("name", sa.Text),
    _time("created_at", required=True),
    sa.Column("wants_quiet", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("intercepts", sa.Boolean, nullable=False, server_default=sa.false()),
    _time("evaluated_at"),
    sa.Column("certificate", JSONB),
    _time("seen_at"),
    sa.Column("judged_by", sa.Text),
)

links = sa.Table(
    "links",
    metadata,
    _id(),
    _account(required=False),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("external_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    _time("at", required=True),
    sa.UniqueConstraint("system", "kind", "external_id"),
    sa.Index("ix_links_account", "account_id"),
)

lanes = sa.Table(
    "lanes",
    metadata,
    sa.Column("account_id", sa.BigInteger, sa.ForeignKey("accounts.id"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("urgency", sa.SmallInteger, nullable=False),
    sa.Column("dirty_seq", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("done_seq", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("sent_seq", sa.BigInteger, nullable=False, server_default="0"),
    _time("sent_at"),
    _time("dirty_at"),
    _time("not_before"),
    sa.Column("owner", sa.Text),
    sa.Column("fence", sa.BigInteger, nullable=False, server_default="0"),
    _time("lease_until"),
    sa.Column("cause", sa.Text, nullable=False, server_default=""),
    sa.Index(
        "ix_lanes_due",
        "kind",
        "urgency",
        "dirty_at",
        postgresql_where=sa.text("dirty_seq > done_seq"),
    ),
)

pictures = sa.Table(
    "facts",
    metadata,
    sa.Column("account_id", sa.BigInteger, sa.ForeignKey("accounts.id"), primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("picture", JSONB, nullable=False),
    _time("read_at", required=True),
)

cases = sa.Table(
    "cases",
    metadata,
    _id(),
    _account(),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("body", JSONB, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("arr_minor", sa.BigInteger),
    _time("opened_at", required=True),
    _time("closed_at"),
    sa.UniqueConstraint("account_id", "number"),
    sa.Index(
        "uq_cases_one_open",
        "account_id",
        unique=True,
        postgresql_where=sa.text("state <> 'closed'"),
    ),
)

suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("account_id", sa.BigInteger, sa.ForeignKey("accounts.id"), primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("body", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
)

effects = sa.Table(
    "effects",
    metadata,
    _id(),
    _account(),
    sa.Column("case_id", sa.BigInteger, sa.ForeignKey("cases.id")),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("is_projection", sa.Boolean, nullable=False),
    sa.Column("body", JSONB, nullable=False),
    sa.Column("guard", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("round", sa.Integer, nullable=False, server_default="0"),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("config_version", sa.Text, nullable=False),
    sa.Column("snapshot", JSONB),
    sa.Column("receipt", JSONB),
    sa.Column("last_error_code", sa.Text),
    sa.Column("last_error", sa.Text),
    _time("not_before"),
    _time("created_at", required=True),
    _time("done_at"),
    sa.Index(
        "uq_effects_command_key",
        "key",
        unique=True,
        postgresql_where=sa.text("not is_projection"),
    ),
    sa.Index(
        "uq_effects_waiting_projection",
        "account_id",
        "system",
        "subject",
        unique=True,
        postgresql_where=sa.text("is_projection and state = 'waiting'"),
    ),
    sa.Index(
        "ix_effects_open",
        "account_id",
        "system",
        "id",
        postgresql_where=sa.text("state in ('waiting', 'sending')"),
    ),
    sa.Index("ix_effects_customer_key", "key", postgresql_where=sa.text("kind = 'write_customer'")),
    sa.Index("ix_effects_account", "account_id", "id"),
    sa.Index("ix_effects_state", "state", "id"),
    sa.Index("ix_effects_made", "kind", "created_at"),
)

timers = sa.Table(
    "timers",
    metadata,
    sa.Column("account_id", sa.BigInteger, sa.ForeignKey("accounts.id"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    _time("due", required=True),
    sa.Index("ix_timers_due", "due"),
)

audit = sa.Table(
    "audit",
    metadata,
    _id(),
    _account(required=False),
    sa.Column("case_id", sa.BigInteger),
    _time("at", required=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("details", JSONB, nullable=False, server_default="{}"),
    sa.Index("ix_audit_account", "account_id", "id"),
)

alerts = sa.Table(
    "alerts",
    metadata,
    _id(),
    _account(required=False),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    _time("at", required=True),
    _time("acknowledged_at"),
    sa.Column("acknowledged_by", sa.Text),
)

written = sa.Table(
    "written",
    metadata,
    _id(),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("value", JSONB),
    _time("at", required=True),
    sa.Column("effect_id", sa.BigInteger, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("config_version", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("wins", sa.Text),
    sa.Column("replaced", JSONB(none_as_null=True)),
    sa.Index("ix_written_record", "system", "record", "field", "id"),
)

agreed = sa.Table(
    "agreed",
    metadata,
    sa.Column("system", sa.Text, primary_key=True),
    sa.Column("record", sa.Text, primary_key=True),
    _account(),
    sa.Column("fields", JSONB, nullable=False),
    sa.Column("asks", sa.Boolean, nullable=False, server_default=sa.false()),
    _time("at", required=True),
    sa.Index("ix_agreed_account", "account_id"),
    sa.Index("ix_agreed_asks", "account_id", postgresql_where=sa.text("asks")),
)

config_versions = sa.Table(
    "config_versions",
    metadata,
    _id(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    _time("at", required=True),
    sa.UniqueConstraint("name", "version"),
)

plans = sa.Table(
    "plans",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("body", JSONB, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    _time("made_at", required=True),
    sa.Column("applied_as", sa.Text),
    _time("applied_at"),
)

cursors = sa.Table(
    "cursors",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    _time("at", required=True),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    _time("until", required=True),
)

schedules = sa.Table(
    "schedules",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("every_seconds", sa.Integer, nullable=False),
    _time("next_at", required=True),
    _time("last_at"),
)

circuits = sa.Table(
    "circuits",
    metadata,
    sa.Column("system", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    _time("opened_at", required=True),
)

drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("author", sa.Text, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("base", sa.Text, nullable=False),
    _time("at", required=True),
)
