"""`kidglove policy diff`, `export`, `rollback`: the versions that were, and going back to one."""

from __future__ import annotations

from ops.cli.common import By, Json, Yes, runtime
from ops.cli.configuration import File, Note, policy, policy_kind
from ops.cli.policy_plans import carry_out
from ops.cli.versions import Newer, Raw, Version, earlier, print_version, show_difference


@policy.command("diff")
def diff_policy(old: Version = None, new: Newer = None, as_json: Json = False) -> None:
    """Show what differs between two versions or files, whatever their order and comments.

    With one name: that one against the policy in force. Exits with 0 either way.

    Examples:

        kidglove policy diff 3 4

        kidglove policy diff hand-off
    """
    show_difference(policy_kind(), old, new, as_json)


@policy.command("export")
def export_policy(version: File = None, raw: Raw = False, as_json: Json = False) -> None:
    """Print a version in its canonical form: one tier a line, the same for the same meaning.

    Examples:

        kidglove policy export > policy.yaml

        kidglove policy export 3 --json
    """
    print_version(policy_kind(), version, raw=raw, as_json=as_json)


@policy.command("rollback")
def rollback_policy(
    note: Note, version: Version = None, by: By = None, yes: Yes = False, as_json: Json = False
) -> None:
    """Put an earlier version in force again, as a new one. What was done meanwhile stays done.

    Says first whose tier, hold or interception changes, by live records.

    Examples:

        kidglove policy rollback --note "too many calls"

        kidglove policy rollback shipped --note "back to what ships" --by ann --yes
    """
    kind = policy_kind()
    with runtime() as here:
        _, text, name = earlier(kind, here, version)
        carry_out(here, text, name, note=note, by=by, yes=yes, as_json=as_json)
