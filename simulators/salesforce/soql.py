"""SOQL text to a syntax tree; whatever this org does not know is MALFORMED_QUERY."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from simulators.salesforce.errors import Refusal, malformed_query
from simulators.salesforce.values import read_day, read_moment

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:\\.|[^'\\])*')
    | (?P<moment>\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:?\d\d))
    | (?P<day>\d{4}-\d\d-\d\d)
    | (?P<number>[+-]?\d+(?:\.\d+)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*(?::\d+)?)
    | (?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE | re.ASCII,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_NAMED_DAYS = re.compile(r"TODAY|YESTERDAY|TOMORROW|(?:LAST|NEXT)_N_DAYS:\d+", re.IGNORECASE)
_RESERVED = {"SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "LIKE", "ORDER", "LIMIT"}


@dataclass(frozen=True)
class Path:
    """A dotted field name, and where it stood in the text."""

    parts: tuple[str, ...]
    column: int

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True)
class Literal:
    """A value in the text: kind is string, moment, day, named_day, number, boolean or null."""

    kind: str
    value: Any
    text: str


@dataclass(frozen=True)
class Compare:
    """`path op value`; op is one of = != < <= > >= LIKE."""

    path: Path
    op: str
    value: Literal


@dataclass(frozen=True)
class Within:
    """`path [NOT] IN (values)` or `(SELECT ...)`."""

    path: Path
    negated: bool
    values: tuple[Literal, ...]
    query: Query | None = None


@dataclass(frozen=True)
class Every:
    """AND."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Some:
    """OR."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Never:
    """NOT."""

    part: Condition


@dataclass(frozen=True)
class Order:
    """One ORDER BY term."""

    path: Path
    descending: bool
    nulls_last: bool


@dataclass(frozen=True)
class Query:
    """A SELECT; `count` for COUNT(), otherwise paths and child queries in order."""

    items: tuple[Path | Query, ...]
    source: Path
    where: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    count: bool = False


Condition: TypeAlias = Compare | Within | Every | Some | Never


def parse(text: str) -> Query:
    """The syntax tree of one SOQL statement; Refusal MALFORMED_QUERY when it has none."""
    parser = _Parser(text)
    query = parser.select()
    parser.end()
    return query


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    column: int

    @property
    def upper(self) -> str:
        return self.text.upper() if self.kind == "word" else self.text


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def select(self) -> Query:
        self._word("SELECT")
        items, count = self._items()
        self._word("FROM")
        source = self._path()
        where = self._where() if self._take("WHERE") else None
        order = self._order() if self._take("ORDER") else ()
        limit = self._whole("LIMIT") if self._take("LIMIT") else None
        offset = self._whole("OFFSET") if self._take("OFFSET") else 0
        return Query(items, source, where, order, limit, offset, count)

    def end(self) -> None:
        if self._peek().kind != "end":
            raise self._unexpected()

    def _items(self) -> tuple[tuple[Path | Query, ...], bool]:
        if self._peek().upper == "COUNT" and self._peek(1).text == "(":
            self._at += 2
            self._sign(")")
            return (), True
        items: list[Path | Query] = []
        while True:
            if self._take("("):
                items.append(self.select())
                self._sign(")")
            else:
                items.append(self._path())
            if not self._take(","):
                return tuple(items), False

    def _where(self) -> Condition:
        if self._take("NOT"):
            first: Condition = Never(self._simple())
        else:
            first = self._simple()
        joiner = self._peek().upper
        if joiner not in ("AND", "OR"):
            return first
        parts = [first]
        # VENDOR: AND and OR do not mix without parentheses, and NOT after a joiner needs
        # parentheses of its own (SOQL reference, condition expression syntax).
        while self._take(joiner):
            parts.append(self._simple())
        if self._peek().upper in ("AND", "OR"):
            raise self._unexpected()
        return Every(tuple(parts)) if joiner == "AND" else Some(tuple(parts))

    def _simple(self) -> Condition:
        if self._take("("):
            inner = self._where()
            self._sign(")")
            return inner
        path = self._path()
        token = self._next()
        if token.upper in ("=", "!=", "<>", "<", "<=", ">", ">=", "LIKE"):
            op = "!=" if token.text == "<>" else token.upper
            return Compare(path, op, self._literal(like=op == "LIKE"))
        if token.upper == "IN":
            return self._within(path, negated=False)
        if token.upper == "NOT" and self._take("IN"):
            return self._within(path, negated=True)
        self._at -= 1
        raise self._unexpected()

    def _within(self, path: Path, *, negated: bool) -> Within:
        self._sign("(")
        if self._peek().upper == "SELECT":
            query = self.select()
            self._sign(")")
            return Within(path, negated, (), query)
        values = [self._literal()]
        while self._take(","):
            values.append(self._literal())
        self._sign(")")
        return Within(path, negated, tuple(values))

    def _order(self) -> tuple[Order, ...]:
        self._word("BY")
        terms = []
        while True:
            path = self._path()
            descending = self._take("DESC")
            if not descending:
                self._take("ASC")
            nulls_last = False
            if self._take("NULLS"):
                nulls_last = self._take("LAST")
                if not nulls_last:
                    self._word("FIRST")
            terms.append(Order(path, descending, nulls_last))
            if not self._take(","):
                return tuple(terms)

    def _literal(self, *, like: bool = False) -> Literal:
        token = self._next()
        text = token.text
        if token.kind == "string":
            return Literal("string", _unquoted(text, like=like), text)
        if token.kind == "number":
            return Literal("number", Decimal(text), text)
        if token.kind == "day":
            return Literal("day", _day(text), text)
        if token.kind == "moment":
            return Literal("moment", _moment(text), text)
        if token.upper in ("TRUE", "FALSE"):
            return Literal("boolean", token.upper == "TRUE", text)
        if token.upper == "NULL":
            return Literal("null", None, text)
        if _NAMED_DAYS.fullmatch(text):
            return Literal("named_day", text.upper(), text)
        self._at -= 1
        raise self._unexpected()

    def _path(self) -> Path:
        token = self._next()
        if token.kind != "word" or token.upper in _RESERVED or ":" in token.text:
            self._at -= 1
            raise self._unexpected()
        if self._peek().text == "(":
            raise self._unexpected()
        return Path(tuple(token.text.split(".")), token.column)

    def _whole(self, clause: str) -> int:
        token = self._next()
        if token.kind != "number" or not token.text.isdigit():
            self._at -= 1
            raise malformed_query(f"{clause} needs a whole number, found '{self._peek().text}'")
        return int(token.text)

    def _word(self, word: str) -> None:
        if not self._take(word):
            raise self._unexpected()

    def _sign(self, sign: str) -> None:
        if not self._take(sign):
            raise self._unexpected()

    def _take(self, word: str) -> bool:
        if self._peek().kind in ("word", "sign") and self._peek().upper == word:
            self._at += 1
            return True
        return False

    def _peek(self, ahead: int = 0) -> _Token:
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def _next(self) -> _Token:
        token = self._peek()
        self._at += 1
        return token

    def _unexpected(self) -> Refusal:
        token = self._peek()
        found = "<EOF>" if token.kind == "end" else token.text
        return malformed_query(
            f"\n{found}\n^\nERROR at Row:1:Column:{token.column}\nunexpected token: '{found}'"
        )


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if not found or found.lastgroup is None:
            raise malformed_query(f"unexpected character at Row:1:Column:{at + 1}: '{text[at]}'")
        tokens.append(
            _Token(found.lastgroup, found.group(found.lastgroup), found.start(found.lastgroup) + 1)
        )
        at = found.end()
    return [*tokens, _Token("end", "", end + 1)]


def _unquoted(text: str, *, like: bool) -> str:
    made = []
    rest = iter(text[1:-1])
    for letter in rest:
        if letter != "\\":
            made.append(letter)
            continue
        escaped = next(rest)
        if escaped in "_%" and like:
            made.append("\\" + escaped)
        elif escaped.lower() in _ESCAPES:
            plain = _ESCAPES[escaped.lower()]
            made.append("\\\\" if like and plain == "\\" else plain)
        elif escaped in "_%":
            made.append(escaped)
        else:
            raise malformed_query(f"Invalid string literal {text}. Illegal character sequence")
    return "".join(made)


def _day(text: str) -> date:
    found = read_day(text)
    if found is None:
        raise malformed_query(f"Invalid date: {text}")
    return found


def _moment(text: str) -> datetime:
    found = read_moment(text)
    if found is None:
        raise malformed_query(f"Invalid datetime: {text}")
    return found
