"""`kidglove policy doctor`: a policy held against what is connected."""

from __future__ import annotations

import typer

from ops.cli.common import Json, runtime
from ops.cli.configuration import File, policy, policy_kind, refuse_if_broken, text_of


@policy.command("doctor")
def policy_doctor(file: File = None, as_json: Json = False) -> None:
    """Hold a policy against what is connected: CRMs, mapped people and fields, currencies.

    Exits with 1 if anything is wrong. Nothing is changed, and no vendor is called.

    Examples:

        kidglove policy doctor

        kidglove policy doctor my-policy.yaml --json
    """
    from domain.ports import Health
    from jobs.policy_doctor import examine_policy
    from mappings.policy_file import load_policy
    from ops.cli.findings import print_findings
    from ops.lines import Line

    kind = policy_kind()
    with runtime() as here:
        text, name = text_of(kind, file, here)
        refuse_if_broken(kind, text, name)
        found = examine_policy(here, load_policy(text, name=name))
    lines = [Line.of("policy", one) for one in found]
    print_findings(lines, as_json=as_json)
    raise typer.Exit(1 if any(one.health is Health.WRONG for one in lines) else 0)
