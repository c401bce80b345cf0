"""Where a refused write is put right: the row of the mapping that it came from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from console.stuck import Alike
from domain.effects import EffectKind
from mappings.mapping import FieldMapping


def row_to_fix(group: Alike, mappings: Mapping[str, FieldMapping]) -> str | None:
    """The address of the row that the refusal names, else of the whole mapping; None for what no
    mapping writes."""
    mapping = mappings.get(group.system)
    if group.kind is not EffectKind.WRITE_FIELDS or mapping is None:
        return None
    said = set(re.findall(r"\w+", group.effects[0].error))
    field = next((one for one in mapping.machine_fields if one in said), None)
    at = f"/mappings/{quote(group.system)}"
    return f"{at}/rows/{quote(field)}" if field is not None else at
