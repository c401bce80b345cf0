"""The short text by which two readings of a record are compared."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def state_digest(said: Any) -> str:
    """Sixteen characters that are the same for the same values, in whichever order they came."""
    text = json.dumps(said, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
