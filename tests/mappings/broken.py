"""Right files, and ways to make them wrong."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

FILES = Path(__file__).parent / "files"
SIGNS = """{ } [ ] : - & * ? | > # % ! " ' &a *a !!x null 0 -1 1.5 true at: ~ ---"""


def right_file(name: str) -> str:
    """A file without a mistake, whose lines the tests count."""
    return (FILES / name).read_text(encoding="utf-8")


def broken(text: str, right: str, wrong: str) -> str:
    """The text with the first `right` replaced; the test is wrong if there is none."""
    assert right in text, f"{right!r} is not in the file"
    return text.replace(right, wrong, 1)


def damaged(text: str) -> st.SearchStrategy[str]:
    """The text with up to 60 characters replaced by up to six signs that mean something in YAML."""
    signs = st.sampled_from([*SIGNS.split(), " ", "\t", "\n", "\n  ", "- ", "\x07"])
    return st.builds(
        lambda start, length, inserted: text[:start] + "".join(inserted) + text[start + length :],
        st.integers(0, len(text)),
        st.integers(0, 60),
        st.lists(signs, max_size=6),
    )
