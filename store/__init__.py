"""Durable truth in PostgreSQL: tables, repositories, unit of work, lanes, migrations."""
