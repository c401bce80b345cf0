"""Policies, mappings and the doctor at the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mappings.mapping_file import default_mapping_text
from mappings.policy_file import preset_text
from tests.ops.desk import Desk
from tests.world import build


@pytest.fixture
def desk(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """A desk beside a quiet world."""
    world = build(database_url, redis_url)
    yield Desk(world, tmp_path, monkeypatch)
    world.close()


def test_every_mistake_of_a_policy_is_named_with_its_line_and_the_fix(
    desk: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(preset_text("default").replace("automation: held", "automation: hold"))

    said = desk.type("policy", "check", str(path))

    assert said.code == 1
    assert f"{path}:" in said.err
    assert "held" in said.err


def test_a_shipped_policy_is_fine_and_is_told_in_sentences(desk: Desk) -> None:
    assert desk.type("policy", "check", "hand-off").code == 0
    assert "Stripe stays quiet" in desk.type("policy", "explain").out


def test_a_file_that_is_not_there_is_wrong_usage(desk: Desk) -> None:
    said = desk.type("policy", "check", "nothing.yaml")

    assert said.code == 2
    assert "no preset is called" in said.err


@pytest.mark.req("R27", partly="by the command line; the value of an invoice is not tried here")
def test_an_applied_policy_rules_the_next_event_without_a_restart(
    desk: Desk, tmp_path: Path
) -> None:
    world = desk.world
    path = tmp_path / "mine.yaml"
    text = preset_text("default").replace("value: 5000,", "value: 20000,")
    path.write_text(text.replace("      - {signal: named_csm}\n", ""))

    said = desk.type("policy", "apply", str(path), "-m", "higher line", "--by", "ann", "--yes")
    customer, _ = world.vip()
    world.hours(4)

    assert said.code == 0
    assert "0 accounts are judged by it" in said.err
    assert world.open_case(customer).tier == "high"
    versions = desk.type("policy", "history", "--json").json["versions"]
    assert [(one["version"], one["author"], one["note"]) for one in versions] == [
        (1, "ann", "higher line")
    ]


def test_a_broken_policy_is_not_applied(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("policy: mine\n")

    said = desk.type("policy", "apply", str(path), "-m", "oops", "--yes")

    assert said.code == 1
    assert "nothing was changed" in said.err
    assert desk.type("policy", "history", "--json").json["versions"] == []


def test_nothing_is_applied_before_somebody_agrees(desk: Desk) -> None:
    said = desk.type("policy", "apply", "hand-off", "-m", "try")

    assert said.code == 2
    assert "takes the place of default (shipped)" in said.err
    assert desk.type("policy", "history", "--json").json["versions"] == []


HIGHER = ("value: 5000,", "value: 20000,")


def applied(desk: Desk, tmp_path: Path, *changes: tuple[str, str]) -> None:
    """The default policy with these changes, put in force."""
    text = preset_text("default")
    for right, wrong in changes:
        assert right in text
        text = text.replace(right, wrong, 1)
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    assert desk.type("policy", "apply", str(path), "-m", "a try", "--yes").code == 0


def test_two_policies_differ_only_where_they_mean_something_else(
    desk: Desk, tmp_path: Path
) -> None:
    applied(desk, tmp_path, ("due: 1 working day,", "due: 1 business day,"))
    applied(desk, tmp_path, HIGHER)

    same = desk.type("policy", "diff", "default", "1")
    changed = desk.type("policy", "diff", "--json")
    against = desk.type("policy", "diff", "default", "--json")

    assert (same.code, same.out.strip()) == (0, "default.yaml and policy@1 mean the same.")
    assert (changed.json["old"], changed.json["new"]) == ("policy@1", "policy@2")
    assert [line[0] for line in changed.json["lines"] if line[1] == " "].count("+") == 1
    assert "value: 20000" in "".join(changed.json["lines"])
    assert against.json["old"] == "policy@2"
    assert "value: 20000" in "".join(against.json["lines"])


def test_an_exported_policy_is_the_same_policy(desk: Desk, tmp_path: Path) -> None:
    applied(desk, tmp_path, HIGHER)

    plain, as_json = desk.type("policy", "export").out, desk.type("policy", "export", "--json")
    (tmp_path / "out.yaml").write_text(plain)
    (tmp_path / "out.json").write_text(as_json.out)

    assert "# " not in plain
    assert desk.type("policy", "export", "1", "--raw").out == (tmp_path / "mine.yaml").read_text()
    for name in ("out.yaml", "out.json"):
        said = desk.type("policy", "diff", str(tmp_path / name), "--json")
        assert said.json["lines"] == []
    assert desk.type("policy", "diff", "shipped", "default", "--json").json["lines"] == []


@pytest.mark.parametrize("back", [("1",), (), ("shipped",)], ids=str)
def test_an_earlier_policy_rules_again_as_a_new_version(
    desk: Desk, tmp_path: Path, back: tuple[str, ...]
) -> None:
    world = desk.world
    applied(desk, tmp_path)
    applied(desk, tmp_path, HIGHER, ("      - {signal: named_csm}\n", ""))

    said = desk.type(
        "policy", "rollback", *back, "-m", "too high", "--by", "ann", "--yes", "--json"
    )
    customer, _ = world.vip()
    world.hours(4)

    assert said.json["applied"] == "policy@3"
    assert "takes the place of policy@2. 0 accounts are judged by it" in said.err
    assert world.open_case(customer).tier == "vip"
    versions = desk.type("policy", "history", "--json").json["versions"]
    assert (versions[0]["version"], versions[0]["note"]) == (3, "too high")


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("rollback", "-m", "x", "--yes"), 1, "nothing was ever applied"),
        (("diff",), 1, "nothing was ever applied"),
        (("export", "7"), 1, "there is no policy@7"),
        (("diff", "7"), 1, "`kidglove policy history` lists them"),
        (("export", "nowhere.yaml"), 2, "there is no file"),
    ],
)
def test_a_version_that_is_not_there_is_said_so(
    desk: Desk, words: tuple[str, ...], code: int, why: str
) -> None:
    said = desk.type("policy", *words)

    assert said.code == code
    assert why in said.err
    assert desk.type("policy", "history", "--json").json["versions"] == []


def test_nothing_is_rolled_back_before_somebody_agrees(desk: Desk, tmp_path: Path) -> None:
    applied(desk, tmp_path, HIGHER)

    said = desk.type("policy", "rollback", "shipped", "-m", "x")

    assert said.code == 2
    assert "default (shipped) takes the place of policy@1" in said.err
    assert len(desk.type("policy", "history", "--json").json["versions"]) == 1


@pytest.mark.req("R15")
def test_an_applied_mapping_is_used_by_the_next_job_and_the_old_one_stays_listed(
    desk: Desk, tmp_path: Path
) -> None:
    world = desk.world
    path = tmp_path / "mine.yaml"
    path.write_text(default_mapping_text("salesforce").replace("Current", "Paid"))

    first = desk.type("mapping", "apply", str(path), "-m", "one word", "--yes", "--json").json
    _, account = world.vip()
    world.hours(2.5)
    path.write_text(default_mapping_text("salesforce"))
    second = desk.type("mapping", "apply", str(path), "-m", "back", "--yes", "--json").json

    assert world.org.get(account)["Payment_Status__c"] == "Paid"
    assert [first["applied"], second["applied"]] == ["mapping:salesforce@1", "mapping:salesforce@2"]
    assert len(desk.type("mapping", "history", "--json").json["versions"]) == 2


@pytest.mark.parametrize(
    "words",
    [
        ("check", "FILE"),
        ("explain", "FILE"),
        ("plan", "FILE"),
        ("doctor", "FILE"),
        ("apply", "FILE", "-m", "oops", "--yes"),
        ("apply", "salesforce", "-m", "oops", "--yes"),
    ],
    ids=" ".join,
)
def test_the_mapping_of_one_crm_is_not_taken_for_that_of_another(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("KIDGLOVE_HUBSPOT__TOKEN", "pat-x")
    path = tmp_path / "mine.yaml"
    path.write_text(default_mapping_text("salesforce"))
    named = [str(path) if one == "FILE" else one for one in words]

    said = desk.type("mapping", *named, "--crm", "hubspot")

    assert said.code == 1
    assert "this is the mapping of hubspot, not of 'salesforce'" in said.err
    assert desk.type("mapping", "history", "--crm", "hubspot", "--json").json["versions"] == []


def test_a_broken_file_is_checked_as_that_of_its_own_crm(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(default_mapping_text("hubspot").replace("wins: stripe", "wins: strip", 1))

    said = desk.type("mapping", "check", str(path), "--json")

    assert [one["message"] for one in said.json] == ["wins cannot be 'strip'; did you mean stripe?"]


def test_a_misspelt_system_is_named_with_the_one_that_was_meant(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    text = default_mapping_text("salesforce")
    path.write_text(text.replace("system: salesforce", "system: salesforc"))

    said = desk.type("mapping", "check", str(path), "--json")

    assert [one["message"] for one in said.json] == [
        "system cannot be 'salesforc'; did you mean salesforce?"
    ]


def test_the_mapping_is_held_against_the_live_org(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    text = default_mapping_text("salesforce")
    path.write_text(text.replace("theirs: Stripe_MRR__c", "theirs: Stripe_MMR__c"))

    fine = desk.type("mapping", "doctor")
    wrong = desk.type("mapping", "doctor", str(path), "--json")

    assert fine.code == 0
    assert "fields are as mapped" in fine.out
    assert wrong.code == 1
    lines = [one["id"] for one in wrong.json if one["health"] == "wrong"]
    assert lines == ["salesforce/field.Account.Stripe_MMR__c"]


def test_the_doctor_names_what_is_wrong_with_its_remedy(desk: Desk) -> None:
    said = desk.type("doctor", "--json")

    lines = {one["id"]: one for one in said.json}
    assert said.code == 1
    assert lines["here/database"]["health"] == "ok"
    assert lines["here/queue"]["health"] == "ok"
    assert lines["here/worker-evaluate"]["health"] == "wrong"
    assert "kidglove up" in lines["here/worker-evaluate"]["remedy"]
    assert lines["here/stripe-secrets"]["health"] == "wrong"
    assert lines["stripe/key"]["health"] == "ok"
    assert lines["stripe/clock"]["health"] == "ok"
    assert lines["salesforce/login"]["health"] == "ok"
    assert "intercept" in lines["policy/tier-vip"]["detail"]
    assert lines["stripe/failure-mails"]["health"] == "unknown"
    assert "Dashboard" in lines["stripe/failure-mails"]["remedy"]


def test_a_persons_word_counts_for_half_a_year_with_name_and_date(desk: Desk) -> None:
    said = desk.type("doctor", "confirm", "stripe/retries", "--by", "Ann", "-m", "8 in 2 weeks")

    confirmed = _line(desk, "stripe/retries")
    desk.world.clock.advance_to(desk.world.clock.now().replace(year=2027))
    later = _line(desk, "stripe/retries")

    assert said.code == 0
    assert confirmed["health"] == "ok"
    assert confirmed["detail"] == "confirmed by Ann on 20 Nov 2026: 8 in 2 weeks"
    assert later["health"] == "unknown"
    assert "too long ago" in later["detail"]


def test_only_what_a_person_can_know_can_be_confirmed(desk: Desk) -> None:
    said = desk.type("doctor", "confirm", "stripe/key", "--by", "Ann")

    assert said.code == 1
    assert "stripe/failure-mails" in said.err


def test_secrets_are_never_shown(desk: Desk) -> None:
    said = desk.type("settings")

    assert "KIDGLOVE_STRIPE__API_KEY" in said.out
    assert "(set)" in said.out
    assert desk.world.stripe.api_key not in said.out


def _line(desk: Desk, id: str) -> dict[str, str]:
    found: dict[str, str] = next(
        one for one in desk.type("doctor", "--json").json if one["id"] == id
    )
    return found
