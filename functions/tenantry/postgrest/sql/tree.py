"""The tables of a read and their relationships: `select`, resolved against the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from tenantry.domain.errors import RequestRefused
from tenantry.postgrest.catalogue.finding import find_relationship
from tenantry.postgrest.catalogue.hints import no_table
from tenantry.postgrest.catalogue.model import Catalogue, Name, Relationship, Table
from tenantry.postgrest.grammar.parameters import Parameters, Path, filters_of
from tenantry.postgrest.grammar.selection import Items
from tenantry.postgrest.grammar.syntax import STAR, Embed, Field, Node, SelectItem, Window
from tenantry.postgrest.refusals import beyond, given_times, not_embedded
from tenantry.postgrest.request import RequestLimits

_MAX_NAME_BYTES = 63
# What the rows are called of a table whose columns are not known.
_UNKNOWN = "_row of it"


@dataclass(slots=True)
class ReadNode:
    """One table of a read.

    `alias` is the name of its rows in its own statement, `joined` the name of that statement in its parent's, and
    `parent` the name of its parent's rows. `table` is None if the catalogue does not have it, or was not needed.
    """

    name: Name
    alias: str
    table: Table | None
    items: tuple[SelectItem, ...]
    asked: Node
    joined: str = ""
    parent: str = ""
    embed: Embed | None = None
    relationship: Relationship | None = None
    children: list["ReadNode"] = field(default_factory=list)
    depth: int = 0
    # Whose relationships lead on from its rows: the relation whose type they have. None is of no relation.
    relation: Name | None = None

    @property
    def key(self) -> str:
        """The name of this table in its parent's answer."""
        return self.embed.key if self.embed else self.name.name

    @property
    def is_to_one(self) -> bool:
        """Whether a row of the parent has at most one row of this table."""
        return self.relationship is not None and self.relationship.is_to_one

    @property
    def is_computed(self) -> bool:
        """Whether a function returns the rows of this table."""
        return self.relationship is not None and self.relationship.function is not None

    @property
    def is_spread(self) -> bool:
        """Whether this table's columns become its parent's."""
        return self.embed is not None and self.embed.spread

    @property
    def is_inner(self) -> bool:
        """Whether only rows of the parent are meant that have some of this table."""
        return self.embed is not None and self.embed.inner

    @property
    def is_silent(self) -> bool:
        """Whether nothing of the table was selected, so that it only serves as a filter."""
        return not self.items and all(child.is_silent for child in self.children)

    def child(self, key: str) -> "ReadNode | None":
        """Find an embedded table by its name in the answer or, failing that, by its own name."""
        named = [child for child in self.children if child.key == key]
        found = named or [child for child in self.children if child.name_in_url == key]
        # Of several it would be one that is meant, and the others would be shown whole.
        return found[0] if len(found) == 1 else None

    @property
    def name_in_url(self) -> str:
        """The table's name in the request, without an alias."""
        return self.embed.name if self.embed else self.name.name


class Rows(NamedTuple):
    """What a tree begins with: what the rows are called, their columns where these are known, and whose rows they are.

    `relation` is the table or view whose type they have, exposed or not; None where they are a function's own. What
    only has the name of a table is not the table.
    """

    name: Name
    table: Table | None
    relation: Name | None


def grow(name: Name, given: Parameters, catalogue: Catalogue | None, limits: RequestLimits) -> ReadNode:
    """Build the tree of a read from a table.

    :raises RequestRefused: a table or relationship is not there, is ambiguous, or aggregates are not allowed.
    """
    table = catalogue.tables.get(name) if catalogue else None
    if catalogue and table is None:
        raise no_table(catalogue, name)
    return grow_from(Rows(name, table, name), name.schema, given, catalogue, limits)


def grow_from(
    rows: Rows, schema: str, given: Parameters, catalogue: Catalogue | None, limits: RequestLimits
) -> ReadNode:
    """Build the tree of a read from any rows; `schema` has the tables that can be embedded in them.

    :raises RequestRefused: as above.
    """
    grower = _Grower(catalogue, limits, schema)
    name, table, relation = rows
    root = ReadNode(name, _root_alias(name, given, table), table, (), given.root, relation=relation)
    grower.fill(root, given.select, (root.alias,))
    _hand_out(root, given.nodes)
    return root


def _root_alias(name: Name, given: Parameters, table: Table | None) -> str:
    """Say what a table's rows are called: by its name where its columns are known, for PostgreSQL's messages.

    Otherwise its columns' names stand alone, and none that is asked for may be that of the rows.
    """
    if table:
        return "_t0" if _is_own(name.name) else name.name
    alias, number = _UNKNOWN, 0
    while _mentions(given, alias):
        number += 1
        alias = f"{_UNKNOWN} {number}"
    return alias


def _mentions(given: Parameters, name: str) -> bool:
    """Whether a field of the root's is called so."""
    return (
        any(isinstance(item, SelectItem) and item.field.name == name for item in given.select)
        or any(filter_.field.name == name for filter_ in filters_of(given.root.conditions))
        or any(term.field.name == name for term in given.root.order)
    )


def _is_own(name: str) -> bool:
    """Whether a name may be that of a part of our statements, or of ON CONFLICT's."""
    return name.startswith("_") or name == "excluded"


class _Grower:
    def __init__(self, catalogue: Catalogue | None, limits: RequestLimits, schema: str) -> None:
        self._catalogue = catalogue
        self._limits = limits
        self._schema = schema
        self._embeds = 0

    def fill(self, node: ReadNode, items: Items, aliases: tuple[str, ...]) -> None:
        node.items = tuple([item for item in items if isinstance(item, SelectItem)])
        if not self._limits.aggregates and any(item.aggregate for item in node.items):
            raise RequestRefused("Use of aggregate functions is not allowed", code="PGRST123")
        if node.embed:
            node.items = _counting(node.items, node.table)
        for item in items:
            if isinstance(item, Embed):
                node.children.append(self._child(node, item, aliases))

    def _child(self, parent: ReadNode, embed: Embed, aliases: tuple[str, ...]) -> ReadNode:
        self._embeds += 1
        if self._embeds > self._limits.max_embeds:
            raise beyond("embedded tables", self._limits.max_embeds)
        assert self._catalogue is not None  # noqa: S101 - planning asks for it where anything is embedded
        relationship = find_relationship(self._catalogue, parent.relation, embed, parent.name, self._schema)
        target = relationship.target
        alias = _alias(target.name, len(aliases), aliases)
        node = ReadNode(
            target,
            alias,
            self._catalogue.tables.get(target),
            (),
            Node(),
            f"_e{self._embeds}",
            parent.alias,
            embed,
            relationship,
            depth=len(aliases),
            relation=target,
        )
        self.fill(node, embed.items, (*aliases, alias))
        return node


def _counting(items: tuple[SelectItem, ...], table: Table | None) -> tuple[SelectItem, ...]:
    """Read `table(count)` as PostgREST's clients mean it: how many rows are embedded.

    The answer is one number, so it needs no permission for aggregates. Next to other columns, or where the table has a
    column of that name, `count` is a name like others.
    """
    is_count = len(items) == 1 and items[0].field == Field("count") and items[0].aggregate is None
    if not is_count or table is None or "count" in table.columns or "count" in table.computed:
        return items
    return (replace(items[0], field=Field("*"), cast=None, aggregate="count", aggregate_cast=items[0].cast),)


def _hand_out(root: ReadNode, nodes: Mapping[Path, Node]) -> None:
    """Give each table the filters, order and window asked of it; refuse those of a table that is not embedded."""
    for path, asked in nodes.items():
        node = root
        for name in path:
            child = node.child(name)
            if child is None:
                raise not_embedded(name)
            node = child
        for term in asked.order:
            if term.relation is not None:
                _check_related(node, term.relation)
        node.asked = asked if not path else _both(path, node.asked, asked)


def _check_related(node: ReadNode, relation: str) -> None:
    """Refuse to order by an embedded table that is not there, or of which a row has several."""
    child = node.child(relation)
    if child is None:
        raise not_embedded(relation)
    if not child.is_to_one:
        raise RequestRefused(
            f"A related order on '{relation}' is not possible",
            code="PGRST118",
            details=f"'{node.name.name}' and '{relation}' do not form a many-to-one or one-to-one relationship",
        )


def _both(path: Path, first: Node, second: Node) -> Node:
    """Combine what was asked under a table's alias and under its name, each order, limit and offset once."""
    one, other = first.window, second.window
    for word, twice in (
        ("order", first.order and second.order),
        ("limit", None not in (one.limit, other.limit)),
        ("offset", one.offset and other.offset),
    ):
        if twice:
            raise given_times(".".join((*path, word)), 2)
    window = Window(one.limit if other.limit is None else other.limit, one.offset or other.offset)
    return Node(first.conditions + second.conditions, first.order or second.order, window)


def _alias(name: str, depth: int, taken: tuple[str, ...]) -> str:
    """Choose an alias that shows the table's name in PostgreSQL's messages and hides no other alias."""
    alias = f"{name}_{depth}"
    is_free = alias not in taken and not _is_own(alias) and len(alias.encode()) <= _MAX_NAME_BYTES
    return alias if is_free else f"_t{depth}"


def everything(node: ReadNode) -> tuple[SelectItem, ...]:
    """Return the selected items of a node; all columns if nothing was named."""
    return node.items or (() if node.children else (SelectItem(STAR),))
