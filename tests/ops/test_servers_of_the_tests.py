"""The fixtures that every other test stands on."""

from __future__ import annotations

import psycopg
import pytest
import redis


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_gets_a_database_that_no_other_test_wrote_to(
    turn: int, empty_database_url: str
) -> None:
    assert empty_database_url.startswith("postgresql+psycopg://")
    with psycopg.connect(empty_database_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE mine (turn int)")


def test_a_migrated_database_has_the_tables_of_the_store(database_url: str) -> None:
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        found = connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchone()
    assert found is not None
    assert found[0] > 0


@pytest.mark.parametrize("turn", range(20))
def test_each_test_gets_an_empty_queue_database(turn: int, redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    assert client.dbsize() == 0
    client.set("mine", turn)
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
