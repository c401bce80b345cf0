"""What the documents name: paths, modules, tests, links, commands, settings; and what exists of it.

Documents are read as text and code is read as text; nothing is imported here, so that a document
can be checked while a room is under repair.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = (
    "bench",
    "connectors",
    "console",
    "docs",
    "domain",
    "ingress",
    "jobs",
    "mappings",
    "ops",
    "simulators",
    "store",
    "sync",
    "tests",
)
"""Folders at the root: whatever begins with one of them and a slash or a dot is meant as a name."""
_ROOM = "|".join(ROOMS)
_PATH = re.compile(rf"(?:(?:{_ROOM})/[\w.*/-]*|[\w-]+\.(?:py|toml|lock)|Makefile)(?:::\w+)?")
_MODULE = re.compile(rf"(?:{_ROOM})(?:\.\w+)+")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_SPAN = re.compile(r"(`+)(.+?)\1")
_SETTING = re.compile(r"\bKIDGLOVE_[A-Z0-9_]*[A-Z0-9]\b")
_ASSIGNED = re.compile(r"[A-Z_][A-Z0-9_]*=")


@dataclass(frozen=True, kw_only=True)
class Said:
    """Something that a document says in one place."""

    document: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}: {self.text}"


@dataclass(frozen=True, kw_only=True)
class Document:
    """One Markdown file: its path from the root of the project, and its text."""

    path: str
    text: str

    @cached_property
    def _lines(self) -> list[tuple[int, str, bool]]:
        """Number, text and whether it stands in a fenced block; the fences themselves left out."""
        found: list[tuple[int, str, bool]] = []
        fence = ""
        for number, line in enumerate(self.text.splitlines(), start=1):
            mark = re.match(r"\s*(```+|~~~+)", line)
            if mark and (not fence or line.strip() == fence):
                fence = "" if fence else mark.group(1)
                continue
            found.append((number, line, bool(fence)))
        return found

    @property
    def spans(self) -> list[Said]:
        """What stands in backticks in the running text."""
        return [
            self._said(number, match.group(2).strip())
            for number, line, fenced in self._lines
            if not fenced
            for match in _SPAN.finditer(line)
        ]

    @property
    def fenced(self) -> list[Said]:
        """The lines of the fenced blocks, continued ones joined."""
        found: list[Said] = []
        open_line: Said | None = None
        for number, line, fenced in self._lines:
            if not fenced:
                open_line = None
                continue
            text = line.strip()
            if open_line is not None:
                found.pop()
                text = f"{open_line.text.removesuffix(chr(92)).strip()} {text}"
                number = open_line.line
            found.append(self._said(number, text))
            open_line = found[-1] if text.endswith("\\") else None
        return found

    @property
    def links(self) -> list[Said]:
        """The targets of links and pictures that stay in this project."""
        return [
            self._said(number, match.group(1))
            for number, line, fenced in self._lines
            if not fenced
            for match in _LINK.finditer(_SPAN.sub("", line) if "](" not in line else line)
            if "://" not in match.group(1) and not match.group(1).startswith("mailto:")
        ]

    @property
    def headings(self) -> list[str]:
        """The headings as people read them."""
        return [
            line.lstrip("#").strip()
            for _, line, fenced in self._lines
            if not fenced and re.match(r"#{1,6} ", line)
        ]

    @property
    def anchors(self) -> frozenset[str]:
        """What a link may point to after `#`: the headings as the forge spells them."""
        plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in self.headings)
        return frozenset(heading.replace(" ", "-") for heading in plain)

    @property
    def paths(self) -> list[Said]:
        """Files, folders and tests that it names."""
        words = [
            self._said(said.line, word.strip("()[],;:\"'"))
            for said in self.fenced
            for word in said.text.split()
        ]
        return [said for said in (*self.spans, *words) if _PATH.fullmatch(said.text)]

    @property
    def modules(self) -> list[Said]:
        """Dotted names of modules, and of what is in them."""
        return [said for said in self.spans if _MODULE.fullmatch(said.text.removesuffix("()"))]

    def commands(self, *names: str) -> list[Said]:
        """Command lines whose program is one of `names`, in blocks and in backticks."""
        return [
            self._said(said.line, command)
            for said in (*self.fenced, *self.spans)
            for command in _commands(said.text)
            if command.split()[0] in names
        ]

    @property
    def settings(self) -> list[Said]:
        """Names of settings as they stand in the environment."""
        return [
            self._said(number, match.group())
            for number, line, _ in self._lines
            for match in _SETTING.finditer(line)
            if not line[match.end() :].startswith(("*", "_"))
        ]

    def rows(self, heading: str) -> list[list[str]]:
        """The cells of the first table under a heading, its head left out."""
        lines = self.text.splitlines()
        start = next(
            number
            for number, line in enumerate(lines)
            if line.startswith("#") and line.lstrip("#").strip() == heading
        )
        table: list[list[str]] = []
        for line in lines[start + 1 :]:
            if line.startswith("|"):
                table.append([cell.strip() for cell in line.strip().strip("|").split(" | ")])
            elif table or line.startswith("#"):
                break
        return table[2:]

    def _said(self, line: int, text: str) -> Said:
        return Said(document=self.path, line=line, text=text)


def documents(*patterns: str) -> list[Document]:
    """The files that match, in the order of their names."""
    found = {path for pattern in patterns for path in ROOT.glob(pattern)}
    return [
        Document(path=path.relative_to(ROOT).as_posix(), text=path.read_text(encoding="utf-8"))
        for path in sorted(found)
    ]


def everything() -> list[Document]:
    """Every document whose words are held to account."""
    return documents("README.md", "bench/README.md", "docs/**/*.md")


def told(problems: Iterable[object]) -> str:
    """One problem a line, so that a failing test shows all of them."""
    return "\n".join(map(str, problems))


def path_exists(name: str) -> bool:
    """Whether a file, a folder, a pattern or a test (`file::test`) is there."""
    path, _, test = name.partition("::")
    if "*" in path:
        return any(ROOT.glob(path))
    place = ROOT / path
    if not place.exists() or (path.endswith("/") and not place.is_dir()):
        return False
    return not test or test in _names_in(place)


def link_resolves(document: Document, target: str) -> bool:
    """Whether a relative link leads to a file, and to a heading in it if it names one."""
    path, _, anchor = target.partition("#")
    place = (ROOT / document.path).parent / path if path else ROOT / document.path
    if not place.exists():
        return False
    if not anchor or place.suffix != ".md":
        return True
    return anchor in Document(path=path, text=place.read_text(encoding="utf-8")).anchors


def module_exists(name: str) -> bool:
    """Whether a dotted name is a module, a package, or something that stands in one."""
    parts = name.removesuffix("()").split(".")
    place = ROOT
    while parts and (place / parts[0]).is_dir():
        place /= parts.pop(0)
    if not parts:
        return True
    file = place / f"{parts.pop(0)}.py"
    if not file.is_file():
        return False
    return all(part in _names_in(file) for part in parts)


def mentions(path: str, word: str) -> bool:
    """Whether a file has the word in it; blank, hyphen and underscore are the same to it."""
    place = ROOT / path
    parts = [re.escape(part) for part in re.split(r"[ _-]", word.lower())]
    # At the start of a word, or at the hump of a name like EffectMode.
    pattern = re.compile(r"(?:(?<![A-Za-z])|(?=[A-Z]))(?i:" + r"[\s_-]*".join(parts) + ")")
    return place.is_file() and bool(pattern.search(place.read_text(encoding="utf-8")))


def python_files() -> Iterator[Path]:
    """Every Python file of the rooms."""
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


@cache
def _names_in(file: Path) -> frozenset[str]:
    """Whatever a file defines or assigns, at any depth."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), filename=str(file))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return frozenset(found)


def _commands(text: str) -> Iterator[str]:
    """The single commands in one line: comment, prompt and assignments in front taken off."""
    for part in re.split(r"\s(?:&&|\|\||\||;)\s", re.split(r"\s#\s", text)[0]):
        words = part.strip().removeprefix("$ ").split(" ")
        while words and (_ASSIGNED.match(words[0]) or words[0] == "sudo"):
            words.pop(0)
        if words and words[0]:
            yield " ".join(words)


def words_of(command: str) -> Sequence[str]:
    """The words of a command line; one that is no shell line is split at blanks."""
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()
