"""A glossary whose words are not the code's is a second language to learn."""

from __future__ import annotations

import re

import pytest

from tests.docs.documents import documents, mentions

GLOSSARY = documents("docs/glossary.md")[0]
ENTRIES = [
    (word.strip(), place.strip("`"))
    for heading in GLOSSARY.headings[1:]
    for words, _, place in GLOSSARY.rows(heading)
    for word in words.split(",")
]
MUST = (
    "account case hold quiet lane effect receipt fact hint signal snapshot suppression certificate "
    "intercept drift stance guard projection command tier hand-off hop"
).split()


@pytest.mark.parametrize(("word", "module"), ENTRIES, ids=[word for word, _ in ENTRIES])
def test_the_module_that_is_named_for_a_word_has_it(word: str, module: str) -> None:
    assert mentions(module, word)


def test_no_word_stands_twice() -> None:
    words = [word for word, _ in ENTRIES]
    assert sorted({word for word in words if words.count(word) > 1}) == []


def test_the_words_that_everybody_uses_are_in_it() -> None:
    assert sorted(set(MUST) - {word for word, _ in ENTRIES}) == []


def test_every_module_is_named_as_a_file() -> None:
    places = {module for _, module in ENTRIES}
    assert sorted(place for place in places if not re.fullmatch(r"[a-z_/]+\.py", place)) == []
