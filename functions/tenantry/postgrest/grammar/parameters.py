"""Parses the query string and sorts its parameters by meaning."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.grammar.fields import parse_tree_path
from tenantry.postgrest.grammar.filters import parse_filter, read_operator
from tenantry.postgrest.grammar.logic import WORDS, parse_logic
from tenantry.postgrest.grammar.ordering import parse_order
from tenantry.postgrest.grammar.ranges import parse_count
from tenantry.postgrest.grammar.selection import EVERYTHING, Items, parse_names, parse_select
from tenantry.postgrest.grammar.syntax import Condition, Filter, Node
from tenantry.postgrest.names import NAME, check_value, read_name
from tenantry.postgrest.refusals import beyond, given_times, meaningless
from tenantry.postgrest.request import Kind, Request, RequestLimits

Path = tuple[str, ...]

# These words are also reserved as the last word of `relation.word`.
_EMBEDDABLE = frozenset({"order", "limit", "offset"}) | WORDS
_ONCE = ("select", "columns", "on_conflict")
_WITH_BODY = ("POST", "PATCH", "PUT")
_quoted = re.compile(rf'(?="){NAME}').fullmatch


@dataclass(slots=True)
class Parameters:
    """A parsed query string. `nodes` holds what was asked of each table, by its path; the root's path is `()`.

    `arguments` are those of a function that is called by GET. `columns` and `on_conflict` are None if not given.
    """

    select: Items = EVERYTHING
    nodes: dict[Path, Node] = field(default_factory=dict)
    arguments: list[tuple[str, str]] = field(default_factory=list)
    columns: tuple[str, ...] | None = None
    on_conflict: tuple[str, ...] | None = None
    has_window: bool = False

    def node(self, path: Path) -> Node:
        """Return what was asked of a table, which is empty at first."""
        if path not in self.nodes:
            self.nodes[path] = Node()
        return self.nodes[path]

    @property
    def root(self) -> Node:
        """What was asked of the root's table."""
        return self.node(())


def parse_parameters(request: Request, limits: RequestLimits, *, calls_by_get: bool = False) -> Parameters:
    """Parse every parameter of the request; none is ignored.

    :param calls_by_get: a function is called, so a parameter that is not a filter is an argument.
    :raises GrammarError: with the position of the error.
    """
    _check_size(request, limits)
    given = Parameters()
    reader = _ParameterReader(given, limits, calls_by_get)
    for key, texts in request.query.items():
        if key in _ONCE:
            text = _take_only(key, texts)
            if text and key != "select":
                _refuse_idle(key, request)
            reader.once(key, text)
            continue
        last = key.rpartition(".")[2] if "." in key else key
        if last in _EMBEDDABLE:
            reader.reserved(key, last, texts)
            continue
        for text in texts:
            reader.filter(key, text)
    return given


def _refuse_idle(key: str, request: Request) -> None:
    """Refuse what is said of a body or of its rows' key where there is none: it may be meant as an argument."""
    where = f"{request.method} of a function" if request.kind is Kind.ROUTINE else request.method
    if key == "columns" and request.method not in _WITH_BODY:
        raise meaningless(key, where, "It names the keys of a body that are written.")
    if key == "on_conflict" and (request.method != "POST" or request.kind is Kind.ROUTINE):
        raise meaningless(key, where, "It names the unique key by which POST finds rows that are there already.")


def _check_size(request: Request, limits: RequestLimits) -> None:
    size = sum(len(key) + sum(map(len, texts)) for key, texts in request.query.items())
    if size > limits.max_query_bytes:
        raise GrammarError(
            f"the query string is longer than {limits.max_query_bytes} characters",
            hint="Ask for fewer values at a time, or send them to a function with POST.",
        )


class _ParameterReader:
    def __init__(self, given: Parameters, limits: RequestLimits, calls_by_get: bool) -> None:
        self._given = given
        self._limits = limits
        self._calls_by_get = calls_by_get
        self._conditions = 0

    def once(self, key: str, text: str) -> None:
        most = self._limits.max_select_items
        if key == "select":
            self._given.select = parse_select(text, most, self._limits.max_depth)
        elif key == "columns":
            self._given.columns = parse_names(key, text, most) if text else None
        else:
            self._given.on_conflict = parse_names(key, text, most) if text else None

    def reserved(self, key: str, last: str, texts: Sequence[str]) -> None:
        if last in WORDS:
            for text in texts:
                path, tree = parse_logic(key, text, self._limits.max_filters, self._limits.max_list_items)
                self._add(path, tree)
            return
        path, _ = parse_tree_path(key)
        node, text = self._given.node(path), _take_only(key, texts)
        window = node.window
        if {"order": node.order != (), "limit": window.limit is not None, "offset": window.offset > 0}[last]:
            # A name may be spelled in two ways: with quotes and without.
            raise given_times(key, 2)
        if last == "order":
            node.order = parse_order(text, self._limits.max_order_terms) if text else ()
        elif last == "limit":
            window.limit = parse_count(key, text)
        else:
            window.offset = parse_count(key, text)
        self._given.has_window |= last != "order" and not path

    def filter(self, key: str, text: str) -> None:
        if self._calls_by_get and key and not _is_filter(text):
            # The name may be quoted, as that of a column with a dot has to be.
            name = read_name(key) if _quoted(key) else key
            self._given.arguments.append((name, check_value(text)))
            return
        self._add(*parse_filter(key, text, self._limits.max_list_items))

    def _add(self, path: Path, condition: Condition) -> None:
        self._conditions += 1
        if self._conditions > self._limits.max_filters:
            raise beyond("filters", self._limits.max_filters)
        self._given.node(path).conditions.append(condition)


def _is_filter(text: str) -> bool:
    """Whether a text is a filter and not an argument; like PostgREST, text that begins like a filter counts as one."""
    return text.startswith(("not.", "in.", "is.", "isdistinct.")) or read_operator(text, 0) is not None


def filters_of(conditions: Sequence[Condition]) -> list[Filter]:
    """List the filters in trees of conditions."""
    found: list[Filter] = []
    for condition in conditions:
        found += [condition] if isinstance(condition, Filter) else filters_of(condition.parts)
    return found


def _take_only(key: str, texts: Sequence[str]) -> str:
    if len(texts) > 1:
        raise given_times(key, len(texts))
    return texts[0] if texts else ""
