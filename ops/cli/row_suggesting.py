"""`kidglove mapping suggest`: rows that a mapping might have, for a person to judge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ops.cli.common import Json, fail, out, print_json, runtime
from ops.cli.configuration import (
    File,
    OfCrm,
    crm_of,
    mapping,
    mapping_kind,
    refuse_if_broken,
    text_of,
)

if TYPE_CHECKING:
    from mappings.row_suggestions import Suggestions


@mapping.command("suggest")
def suggest_rows(file: File = None, crm: OfCrm = None, as_json: Json = False) -> None:
    """Compare the live fields with our values, and list rows that may be missing from a mapping.

    Nothing is changed, in no system and no mapping: a row runs after you put it into a file,
    planned it and applied it. The same name often means another thing, so look at each. What is
    printed can be pasted under `rows` as it is. Exits with 1 if the CRM cannot be asked, or the
    mapping has mistakes.

    Examples:

        kidglove mapping suggest

        kidglove mapping suggest my-hubspot.yaml

        kidglove mapping suggest --crm hubspot --json
    """
    from jobs import mapping_doctor
    from jobs.crms import CRMS, connected
    from mappings.mapping_file import load_mapping

    system = crm_of(crm, file)
    title = CRMS[system].title
    with runtime() as here:
        if system not in connected(here.settings):
            fail(f"{title} is not connected", f"Set {CRMS[system].switch} and its credential.")
        kind = mapping_kind(system)
        text, name = text_of(kind, file, here)
        refuse_if_broken(kind, text, name)
        found = mapping_doctor.suggest_rows(here, system, load_mapping(text, name=name))
    if as_json:
        print_json(
            {
                "mapping": name,
                "rows": [
                    {
                        "ours": one.ours,
                        "theirs": one.field,
                        "row": one.text,
                        "reason": one.reason,
                        "doubts": one.doubts,
                        "is_first": one.is_first,
                    }
                    for one in found.rows
                ],
                "impossible": found.impossible,
                "without": found.without,
            }
        )
        return
    for line in _lines(found, title, name):
        out.print(line, markup=False, soft_wrap=True)


def _lines(found: Suggestions, title: str, name: str) -> Iterator[str]:
    """Rows and comments, so that the whole of it can be pasted."""
    count = len({one.ours for one in found.rows})
    yield f"# {name}: {count} of our values without a row have a field in {title} that may fit."
    yield "# 0 records change by looking. A row runs after a plan with it is applied."
    for one in found.rows:
        yield f"  # {one.ours}, {one.doc}: {one.reason}."
        yield from (f"  # Doubtful: {doubt.removesuffix('.')}." for doubt in one.doubts)
        yield f"  {'' if one.is_first else '# or '}- {one.text}"
    for far in found.impossible:
        yield f"  # {far.field} is near to {far.ours} by its name only: {far.why}."
    if found.without:
        yield f"# Nothing fits {', '.join(found.without)}."
