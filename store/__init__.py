"""Durable truth in PostgreSQL: tables, repositories, the unit of work, lanes and migrations."""
