"""`kidglove policy` and `kidglove mapping`: check, explain, apply, history, and the live doctor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.common import (
    Json,
    agree,
    announce,
    err,
    fail,
    misuse,
    out,
    print_json,
    print_table,
    runtime,
    whoami,
)

if TYPE_CHECKING:
    from jobs.runtime import Runtime
    from mappings.findings import Finding
    from store.unit_of_work import Transaction

policy = typer.Typer(no_args_is_help=True, help="Who is a VIP, when a person starts, how long.")
mapping = typer.Typer(no_args_is_help=True, help="Which CRM field means what.")
File = Annotated[
    str | None,
    typer.Argument(help="A file, or the name of a shipped one. Default: the one in force."),
]
Needed = Annotated[str, typer.Argument(help="A file, or the name of a shipped one.")]
OfCrm = Annotated[
    str | None,
    typer.Option("--crm", help="Which CRM's mapping. Default: the file's, or the first connected."),
]
Note = Annotated[str, typer.Option("--note", "-m", help="Why it changes, for the history.")]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What differs between policies and mappings. `base` is what rules before anything is
    applied."""

    word: str
    stored: str
    shipped: Callable[[str], str]
    base: Callable[[Runtime], tuple[str, str]]
    in_force: Callable[[Runtime, Transaction], tuple[str, str]]
    check: Callable[..., list[Finding]]
    explain: Callable[[str, str], str]


def policy_kind() -> Kind:
    """The policy: there is one for all."""
    from mappings import policy_file as files
    from sync.configs import POLICY

    def base(here: Runtime) -> tuple[str, str]:
        preset = here.settings.policy_preset
        return files.preset_text(preset), f"{preset} (shipped)"

    def in_force(here: Runtime, tx: Transaction) -> tuple[str, str]:
        stored = tx.system.config(POLICY)
        return base(here) if stored is None else (stored.text, stored.label)

    return Kind(
        word="policy",
        stored=POLICY,
        shipped=files.preset_text,
        base=base,
        in_force=in_force,
        check=files.check_policy,
        explain=lambda text, name: files.explain_policy(files.load_policy(text, name=name)),
    )


def mapping_kind(crm: str | None, file: str | None = None) -> Kind:
    """The mapping of one CRM: the one that is named, else the file's own, else the first there
    is."""
    from jobs import versions
    from mappings import mapping_file as files
    from sync.configs import mapping_name

    system = crm_of(crm, file)

    def in_force(here: Runtime, tx: Transaction) -> tuple[str, str]:
        stored = tx.system.config(mapping_name(system))
        if stored is not None:
            return stored.text, stored.label
        return files.default_mapping_text(system), f"{system} (shipped)"

    return Kind(
        word="mapping",
        stored=mapping_name(system),
        shipped=files.default_mapping_text,
        base=lambda _: (files.default_mapping_text(system), f"{mapping_name(system)}:shipped"),
        in_force=in_force,
        check=partial(versions.check, system),
        explain=lambda text, name: files.explain_mapping(files.load_mapping(text, name=name)),
    )


def crm_of(crm: str | None, file: str | None) -> str:
    """Which CRM is meant: the one named, else the file's own, else the first connected."""
    from jobs.crms import CRMS, connected
    from settings import Settings

    if crm is not None:
        if crm not in CRMS:
            misuse(f"there is no CRM {crm!r}; there are {', '.join(CRMS)}")
        return crm
    said = _system_of(file) if file is not None and Path(file).is_file() else file
    if said is not None and said in CRMS:
        return said
    return next(iter((*connected(Settings()), *CRMS)))


def _system_of(file: str) -> str | None:
    """The system that a file says it is for, be the rest of it right or wrong."""
    from mappings.yaml_source import decoded, read_yaml

    document, _ = read_yaml(decoded(_bytes(Path(file))), file=file)
    said = document.value.get("system") if document and isinstance(document.value, dict) else None
    return said if isinstance(said, str) else None


@policy.command("check")
def check_policy(file: File = None, as_json: Json = False) -> None:
    """Find every mistake of a policy at once. Exits with 1 if it may not be used.

    Examples:

        kidglove policy check my-policy.yaml

        kidglove policy check hand-off
    """
    _check(policy_kind(), file, as_json)


@mapping.command("check")
def check_mapping(file: File = None, crm: OfCrm = None, as_json: Json = False) -> None:
    """Find every mistake of a mapping at once, from its text alone.

    Examples:

        kidglove mapping check my-salesforce.yaml
    """
    _check(mapping_kind(crm, file), file, as_json)


@policy.command("explain")
def explain_policy(file: File = None, as_json: Json = False) -> None:
    """Tell a policy in sentences.

    Examples:

        kidglove policy explain

        kidglove policy explain revops-sop
    """
    _explain(policy_kind(), file, as_json)


@mapping.command("explain")
def explain_mapping(file: File = None, crm: OfCrm = None, as_json: Json = False) -> None:
    """Tell a mapping in sentences.

    Examples:

        kidglove mapping explain
    """
    _explain(mapping_kind(crm, file), file, as_json)


@policy.command("history")
def policy_history(as_json: Json = False) -> None:
    """List every version of the policy: who, when, why.

    Examples:

        kidglove policy history
    """
    _history(policy_kind(), as_json)


@mapping.command("history")
def mapping_history(crm: OfCrm = None, as_json: Json = False) -> None:
    """List every version of the mapping: who, when, why.

    Examples:

        kidglove mapping history
    """
    _history(mapping_kind(crm), as_json)


@mapping.command("doctor")
def mapping_doctor(file: File = None, crm: OfCrm = None, as_json: Json = False) -> None:
    """Hold a mapping against the live org: fields, rights, types, lengths, picklist values.

    Exits with 1 if anything is wrong. Nothing is changed.

    Examples:

        kidglove mapping doctor

        kidglove mapping doctor my-salesforce.yaml
    """
    from domain.ports import Health
    from jobs.crms import CRMS, connected
    from jobs.mapping_doctor import examine_mapping
    from mappings.mapping_file import load_mapping
    from ops.cli.findings import print_findings
    from ops.lines import Line

    system = crm_of(crm, file)
    with runtime() as here:
        if system not in connected(here.settings):
            title, switch = CRMS[system].title, CRMS[system].switch
            fail(f"{title} is not connected", f"Set {switch} and its credential.")
        kind = mapping_kind(system)
        text, name = text_of(kind, file, here)
        refuse_if_broken(kind, text, name)
        found = examine_mapping(here, system, load_mapping(text, name=name))
    lines = [Line.of(system, one) for one in found]
    print_findings(lines, as_json=as_json)
    raise typer.Exit(1 if any(one.health is Health.WRONG for one in lines) else 0)


def _check(kind: Kind, file: str | None, as_json: bool) -> None:
    from mappings.findings import errors

    text, name = _text_anywhere(kind, file)
    found = kind.check(text, name=name)
    if as_json:
        print_json(found)
    else:
        _print_mistakes(found)
        if not found:
            out.print(f"{name} has no mistake.", markup=False)
    raise typer.Exit(1 if errors(found) else 0)


def _explain(kind: Kind, file: str | None, as_json: bool) -> None:
    text, name = _text_anywhere(kind, file)
    refuse_if_broken(kind, text, name)
    told = kind.explain(text, name)
    if as_json:
        print_json({kind.word: name, "sentences": told.splitlines()})
    else:
        out.print(told, markup=False)


def put_in_force(
    kind: Kind,
    text: str,
    name: str,
    here: Runtime,
    *,
    note: str,
    by: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Make a text that was checked the one in force, after a word of the person."""
    from jobs.applying import reach

    with here.store.begin() as tx:
        before, label = kind.in_force(here, tx)
    counts = reach(here)
    if before == text and "(shipped)" not in label:
        announce(f"{name} is in force already, as {label}. Nothing was changed.")
        if as_json:
            print_json({"applied": label, "is_new": False})
        return
    agree(
        f"{name} takes the place of {label}. {counts.accounts} accounts are judged by it from "
        f"their next look on, {counts.open_cases} of them with an open case.",
        yes=yes,
    )
    over = f"{kind.stored}:shipped" if "(shipped)" in label else label
    applied = here.actions.apply_config(kind.stored, text, by=by or whoami(), note=note, over=over)
    if as_json:
        print_json(
            {"applied": applied, "accounts": counts.accounts, "open_cases": counts.open_cases}
        )
    else:
        out.print(f"{applied} is in force.", markup=False)


def _history(kind: Kind, as_json: bool) -> None:
    with runtime() as here, here.store.begin() as tx:
        versions = tx.system.versions(kind.stored)
        _, label = kind.in_force(here, tx)
    if as_json:
        told = ("version", "at", "author", "note", "text")
        print_json(
            {
                "in_force": label,
                "versions": [{name: getattr(one, name) for name in told} for one in versions],
            }
        )
        return
    print_table(
        ("version", "since (UTC)", "by", "why"),
        [(one.label, one.at, one.author, one.note) for one in versions],
        none=f"Nothing was ever applied; {label} is in force.",
    )


def refuse_if_broken(kind: Kind, text: str, name: str) -> None:
    """End with every mistake if the text may not be used."""
    from mappings.findings import errors

    found = kind.check(text, name=name)
    if errors(found):
        _print_mistakes(found)
        fail(f"{name} cannot be used.", "Correct the lines above; nothing was changed.")


def _print_mistakes(found: Sequence[Finding]) -> None:
    for one in found:
        word = "" if one.severity == "error" else f"{one.severity}: "
        err.print(
            f"{one.file}:{one.line}:{one.column}: {word}{one.message}",
            style="red" if one.severity == "error" else "yellow",
            markup=False,
        )
        if one.fix:
            err.print(f"  {one.fix}", markup=False)


def _text_anywhere(kind: Kind, file: str | None) -> tuple[str, str]:
    """The text of a file without opening the store; only the one in force needs it."""
    if file is not None:
        return _read(kind, file)
    with runtime() as here:
        return text_of(kind, None, here)


def text_of(kind: Kind, file: str | None, here: Runtime) -> tuple[str, str]:
    """The text of a file or of the document in force, and its name."""
    if file is not None:
        return _read(kind, file)
    with here.store.begin() as tx:
        return kind.in_force(here, tx)


def _read(kind: Kind, file: str) -> tuple[str, str]:
    path = Path(file)
    if path.is_dir():
        misuse(f"{file!r} is a folder; name a file in it")
    if path.exists():
        from mappings.yaml_source import decoded

        return decoded(_bytes(path)), file
    try:
        return kind.shipped(file), f"{file}.yaml"
    except KeyError as problem:
        misuse(f"there is no file {file!r}, and {problem.args[0]}")


def _bytes(path: Path) -> bytes:
    """What stands in a file: one byte more than is read at all, so that a huge one is refused and
    not swallowed."""
    from mappings.yaml_source import MAX_BYTES

    with path.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)
