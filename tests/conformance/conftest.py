"""Lets a failing check of the shared suite show its values, though it stands in no test file."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(
    *(
        f"tests.conformance.{theme}"
        for theme in "accounts connection describing facts listing paying signals writing".split()
    )
)
