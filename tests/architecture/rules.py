"""The rules as functions from a source file to the lines that break it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOMS = (
    "domain",
    "mappings",
    "sync",
    "store",
    "connectors",
    "jobs",
    "ingress",
    "console",
    "ops",
    "simulators",
)
VENDORS = ("stripe", "salesforce", "hubspot", "netsuite")
CLOCKS = frozenset(
    {
        "date.today",
        "datetime.now",
        "datetime.today",
        "datetime.utcnow",
        "time.time",
        "time.time_ns",
    }
)
LONGEST_FILE = 400
"""Lines after which a file usually holds a second idea."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One Python file: its path from the root of the project, and its text."""

    path: str
    text: str

    @property
    def room(self) -> str:
        """The first folder of the path; empty for a module at the root."""
        return self.path.split("/")[0] if "/" in self.path else ""

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text, filename=self.path)

    def line(self, number: int) -> str:
        """The text of a line, counted from 1."""
        return self.text.splitlines()[number - 1]


@dataclass(frozen=True, kw_only=True)
class Breach:
    """A line that breaks a rule; its text is what the failing test prints."""

    source: Source
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.source.path}:{self.line}: {self.what}"


Rule = Callable[[Source], Iterator[Breach]]


def wall_clocks(source: Source) -> Iterator[Breach]:
    """Reads of the machine's clock, by attribute or by import."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute):
            dotted = ".".join(ast.unparse(node).split(".")[-2:])
            if dotted in CLOCKS:
                yield Breach(source=source, line=node.lineno, what=f"{dotted}; take a Clock")
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            for alias in node.names:
                if f"time.{alias.name}" in CLOCKS:
                    yield Breach(source=source, line=node.lineno, what="time.time; take a Clock")


def commits(source: Source) -> Iterator[Breach]:
    """Calls of a method named commit."""
    for node in ast.walk(source.tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "commit"
        ):
            yield Breach(source=source, line=node.lineno, what="commit; use the unit of work")


def swallowed_errors(source: Source) -> Iterator[Breach]:
    """Handlers of every error that neither raise again nor say `# reason: ...` on their line."""
    for node in ast.walk(source.tree):
        match node:
            case ast.ExceptHandler(type=caught, lineno=line):
                swallows = caught is None or _names_every_error(caught)
                swallows = swallows and not any(isinstance(n, ast.Raise) for n in ast.walk(node))
            case ast.Call(func=called, args=arguments, lineno=line):
                swallows = ast.unparse(called).endswith("suppress")
                swallows = swallows and any(_names_every_error(one) for one in arguments)
            case _:
                continue
        if swallows and not re.search(r"#.* reason: \S", source.line(line)):
            yield Breach(
                source=source,
                line=line,
                what="catches every error; name the errors, raise again, or add `# reason: ...`",
            )


def vendor_names(source: Source) -> Iterator[Breach]:
    """Vendor names in identifiers and string literals; docstrings and comments may have them."""
    documentation = {
        id(node.value)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(source.tree):
        if id(node) in documentation:
            continue
        for word in _words(node):
            vendor = next((name for name in VENDORS if name in word.lower()), None)
            if vendor is not None:
                yield Breach(
                    source=source,
                    line=getattr(node, "lineno", 1),
                    what=f"names {vendor}; vendor words live in connectors/ and mappings/",
                )


def foreign_imports(source: Source) -> Iterator[Breach]:
    """Imports of anything but the standard library and the file's own room."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Import(names=aliases, lineno=line):
                names = [alias.name for alias in aliases]
            case ast.ImportFrom(module=str(module), level=0, lineno=line):
                names = [module]
            case _:
                continue
        for name in names:
            top = name.split(".")[0]
            if top not in sys.stdlib_module_names and top != source.room:
                yield Breach(source=source, line=line, what=f"imports {top}")


def too_long(source: Source) -> Iterator[Breach]:
    """Files beyond the longest that still has one idea."""
    count = len(source.text.splitlines())
    if count > LONGEST_FILE:
        yield Breach(
            source=source, line=count, what=f"{count} lines; look for the second idea in it"
        )


def unmarked_rows(source: Source) -> Iterator[Breach]:
    """Tests whose name or docstring says a row (R17, E4) that no `req` mark of theirs carries."""
    yield from _unmarked(source, source.tree, frozenset(_marked(source.tree)))


def strays(text: str) -> list[str]:
    """Registry hosts and paths of one machine in a text, which would be wrong anywhere else."""
    return [match.group() for match in _STRAY.finditer(text)]


def python_files(root: Path, *folders: str) -> list[Source]:
    """The Python files of these folders, or of the root itself for an empty name."""
    found: list[Path] = []
    for folder in folders:
        found.extend((root / folder).rglob("*.py") if folder else root.glob("*.py"))
    return [
        Source(path=path.relative_to(root).as_posix(), text=path.read_text(encoding="utf-8"))
        for path in sorted(found)
    ]


_STRAY = re.compile(
    "|".join(
        [
            # Written in halves, so that this file passes its own rule.
            r"\b(?:pypi|files\.python" + r"hosted)\.org\b",
            r"\bregistry\.npm" + r"js\.org\b",
            r"\bdeb\.deb" + r"ian\.org\b",
            r"\b(?:static\.)?cra" + r"tes\.io\b",
            r"\bproxy\.go" + r"lang\.org\b",
            r"\b(?:ghcr\.i" + r"o|docker\.i" + r"o|hub\.docker\.c" + r"om)\b",
            r"(?<![\w.:/<*-])/(?:wo" + r"rk|ro" + r"ot)(?=/[\w.]|[\s\"'`,;)]|$)",
        ]
    ),
    re.MULTILINE,
)


def _names_every_error(node: ast.expr) -> bool:
    named = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(ast.unparse(one).split(".")[-1] in {"Exception", "BaseException"} for one in named)


def _words(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.keyword(arg=str(name)):
            yield name
        case ast.alias(name=name, asname=other):
            yield name
            yield other or ""
        case ast.ImportFrom(module=str(name)):
            yield name
        case _:
            return


def _unmarked(
    source: Source, node: ast.Module | ast.ClassDef, inherited: frozenset[str]
) -> Iterator[Breach]:
    for child in node.body:
        if isinstance(child, ast.ClassDef):
            marked = inherited | frozenset(_marked(child))
            if child.name.startswith("Test"):
                yield from _missing(source, child, marked)
            yield from _unmarked(source, child, marked)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and child.name.startswith(
            "test"
        ):
            yield from _missing(source, child, inherited | frozenset(_marked(child)))


def _missing(
    source: Source,
    node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
    marked: frozenset[str],
) -> Iterator[Breach]:
    named = re.findall(r"(?:_([re])|Test([RE]))(\d{1,3})(?=_|$)", node.name)
    said = {f"{(small or large).upper()}{number}" for small, large, number in named}
    said |= set(re.findall(r"\b[RE]\d{1,3}\b", ast.get_docstring(node) or ""))
    for row in sorted(said - marked):
        yield Breach(
            source=source, line=node.lineno, what=f'names {row}; add @pytest.mark.req("{row}")'
        )


def _marked(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    if isinstance(node, ast.Module):
        places: list[ast.expr] = [
            statement.value
            for statement in node.body
            if isinstance(statement, ast.Assign)
            and ast.unparse(statement.targets[0]) == "pytestmark"
        ]
    else:
        places = node.decorator_list
    return [
        argument.value
        for place in places
        for call in ast.walk(place)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.req"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
