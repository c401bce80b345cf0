"""Who may come in, under which name, and what each may do."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from console.__main__ import run
from console.people import refusal
from jobs.runtime import Runtime
from settings import ConsolePerson, ConsoleRole, Settings
from tests.console.people import ANN, OTTO, PEOPLE, with_people
from tests.console.visitor import TOKEN, Visitor
from tests.world import World, build

SHORT = SecretStr("hunter2")
LONG = SecretStr("a-token-that-is-long-enough")
OTHER = SecretStr("another-token-that-is-long")


def person(name: str, token: SecretStr, role: ConsoleRole = ConsoleRole.ADMIN) -> ConsolePerson:
    """One entry of the setting."""
    return ConsolePerson(name=name, role=role, token=token)


@pytest.fixture
def named(runtime: Runtime) -> Visitor:
    """A browser in front of an empty installation where people have tokens of their own."""
    with_people(runtime.settings)
    return Visitor(runtime)


@pytest.mark.parametrize(
    ("people", "shared", "said"),
    [
        ([person("Ann", SHORT)], SecretStr(""), "the token of Ann has 7 characters"),
        ([person("Ann", LONG), person("Bea", LONG)], SecretStr(""), "the same token as Ann"),
        ([person("Ann", LONG)], LONG, "the same token as KIDGLOVE_CONSOLE_TOKEN"),
        ([person("Ann", LONG), person("ann", OTHER)], SecretStr(""), "ann is named twice"),
        ([person(" ", LONG)], SecretStr(""), "give a name"),
        ([], SHORT, "KIDGLOVE_CONSOLE_TOKEN has 7 characters"),
    ],
)
def test_tokens_that_could_be_guessed_or_mixed_up_are_refused_at_the_start(
    people: list[ConsolePerson],
    shared: SecretStr,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://127.0.0.1:1/none")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")

    code = run(Settings(_env_file=None, console_people=people, console_token=shared))

    assert code == 2
    assert said in capsys.readouterr().err


def test_two_people_cannot_be_asked_for_where_there_is_one() -> None:
    settings = Settings(
        _env_file=None,
        console_people=[person("Ann", LONG), person("Otto", OTHER, ConsoleRole.OPERATOR)],
        two_person_mappings=True,
    )

    assert "needs two admins" in str(refusal(settings))


def test_people_come_from_the_environment_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "KIDGLOVE_CONSOLE_PEOPLE",
        f'[{{"name": "Ann", "role": "admin", "token": "{ANN}"}}]',
    )

    found = Settings(_env_file=None)

    assert found.console_people == PEOPLE[:1]
    assert refusal(found) is None


def test_no_token_of_anybody_is_shown_with_the_settings() -> None:
    shown = Settings(_env_file=None, console_people=PEOPLE).masked()

    assert shown["console_people"] == [
        {"name": one.name, "role": one.role, "token": "(set)"} for one in PEOPLE
    ]


def test_who_has_a_token_of_their_own_goes_by_their_own_name(named: Visitor) -> None:
    page = named.enter("Somebody else", token=ANN)

    assert page.texts("//form[@class='who']/span") == ["Ann admin"]


def test_the_shared_token_asks_for_a_name_that_nobody_else_has(named: Visitor) -> None:
    answers = [named.enter(name) for name in ("", "ann", "Dana")]

    assert [one.status for one in answers] == [400, 400, 200]
    assert "ann has a token of their own" in answers[1].text
    assert answers[2].texts("//form[@class='who']/span") == ["Dana admin"]


def test_a_token_of_nobody_opens_nothing(named: Visitor) -> None:
    assert named.enter(token="token-of-nobody-at-all").status == 403


@pytest.mark.parametrize("token", [ANN, OTTO, TOKEN])
def test_every_role_does_the_work_of_billing_operations(
    token: str, database_url: str, redis_url: str
) -> None:
    world: World = build(database_url, redis_url, change=with_people)
    customer, _ = world.vip()
    world.hours(4)
    key = world.open_case(customer).key
    visitor = Visitor(world.runtime)
    visitor.enter("Dana", token=token)

    page = visitor.send(f"/cases/{key}", f"/cases/{key}/note", text="The PO is missing")
    world.close()

    by = {ANN: "Ann", OTTO: "Otto", TOKEN: "Dana"}[token]
    assert f"{by} noted: The PO is missing" in page.section("Timeline")


def test_the_proxy_that_shows_the_console_to_people_is_known_by_its_address(
    runtime: Runtime,
) -> None:
    runtime.settings.console_url = "https://kidglove.acme.example/"
    visitor = Visitor(runtime)
    visitor.enter()
    csrf = visitor.page("/").tree.xpath("//input[@name='csrf']/@value")[0]

    answers = [
        visitor.client.post(
            "/logout", data={"csrf": csrf}, headers={"origin": origin, "host": host}
        ).status_code
        for origin, host in [
            ("https://evil.example", "kidglove.acme.example"),
            ("https://kidglove.acme.example", "evil.example"),
            ("https://kidglove.acme.example", "127.0.0.1:8401"),
        ]
    ]

    assert answers == [403, 421, 200]


def test_a_cookie_that_came_over_https_goes_back_over_https_only(runtime: Runtime) -> None:
    runtime.settings.console_url = "https://kidglove.acme.example"
    answer = Visitor(runtime).client.post(
        "/login",
        data={"name": "Dana", "token": TOKEN},
        headers={"origin": "https://kidglove.acme.example"},
        follow_redirects=False,
    )

    assert "secure" in answer.headers["set-cookie"].lower()
