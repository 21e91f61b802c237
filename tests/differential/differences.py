"""The intended differences between the answers of the data API and of PostgREST 12.0.2, with reasons.

Some of them follow PostgREST's later versions: we answer as its version 14.17 does. The rest are decisions of ours.
An entry names cases, the aspects in which they differ, and (unless it is `ANY`) our value of each aspect. An entry that
no longer differs like that has to be removed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

ANY = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """Cases, by patterns of their ids; the aspects in which they differ; and the reason."""

    ids: tuple[str, ...]
    ours: Mapping[str, Any]
    reason: str

    def covers(self, identity: str) -> bool:
        """Whether the entry is about this case."""
        return any(fnmatchcase(identity, pattern) for pattern in self.ids)


def _entry(reason: str, ids: str, **ours: Any) -> Difference:
    """Write an entry; `_` in an aspect's name stands for `-`."""
    return Difference(tuple(ids.split()), {name.replace("_", "-"): value for name, value in ours.items()}, reason)


_PARSER = "The parser is another, and says in its own words and at its own place where it stopped."
_TABLE = "Since 13: a table that the catalogue does not have is PGRST205, with a hint."
_FORM = "Since 12.0.3: a form that can't be had is 406."
_OBJECT = "Since 13: other words, and the error is plain JSON."
_COLUMN = (
    "Ours: a name that is no column is refused, also where PostgreSQL has a function of that name, here count(row)."
)
_STRICT = "Ours: what can't be understood is refused; PostgREST reads up to it, or passes it over."
_LIMITED = "Since 13: limited updates and deletes are gone. Ours: a limit is kept as max-affected is."
_FILTER = "Ours: a change of every row wants a filter."
_AFFECTED = "Since 12.2, of functions since 13: max-affected."
_FUNCTION = "Since 13: filters and order see columns of a function's rows that are not selected."
_HINT = "Since 14.6: a name is suggested only where it is very much alike."
_PARTITION = "Since 13: a partition is no table of its own."
_SEARCH = "Since 13: a column that is no tsvector becomes one."
_ORDER = "Since 13: the rows that a write returns are in the order that was asked for."
_COLUMN = "Since 12.0.3: other words."
_EMPTY = "Ours: a parameter without a value is as good as none."
_SCALAR = (
    "Ours: PostgREST takes a body that is neither an object nor an array for no rows at all, which hides a mistake."
)
_ALIAS = "An alias of the statement's own is in PostgreSQL's message."
_PLAN = "The plan is of another statement."
_DOCUMENT = "The description is a document of our own."
_TROUBLE = "Ours: the server's own troubles are told in our words."
_WRITTEN_OUT = "Since 12.2: other words, and what is wrong."

DIFFERENCES: tuple[Difference, ...] = (
    # The grammar.
    _entry(
        _PARSER,
        """operators/*neq-a* operators/in-any operators/is-any operators/cs-any operators/*is-empty-* select/comma-last
        select/double-comma select/open-parenthesis select/injection select/semicolon order/unknown-nulls
        order/comma-last order/cast embed/unclosed embed/hint-empty embed/three-hints call/get-unnamed-empty-name""",
        details=ANY,
    ),
    _entry(
        _PARSER,
        """operators/eq-some operators/eq-any-open operators/*is-nothing-* select/cast-quoted select/json-trailing
        select/json-three-arrows select/quote-open select/double-colon-only select/alias-only select/dotted
        order/reversed tree/or-empty tree/unknown-operator tree/no-operator tree/no-value tree/nested-unknown
        tree/trailing-comma path/trailing filter/unknown-operator filter/not-unknown search/empty-configuration
        search/open-configuration join/spread-column join/spread-alias aggregate/unknown-function
        aggregate/with-argument names/select-dot-bare""",
        details=ANY,
        message=ANY,
    ),
    _entry(_PARSER, "tree/unclosed", message=ANY),
    _entry(
        _STRICT,
        """operators/in-words-parentheses select/cast-injection select/comma-first select/comma-only select/closing
        select/colon-only tree/closed-twice limit/text* limit/empty* limit/decimal* limit/huge limit/huge-exact
        limit/twice* limit/spaces* within/limit-text""",
        outcome="400 PGRST100",
    ),
    _entry(
        _STRICT,
        "operators/*in-ids-nested limit/huge-offset*",
        code="PGRST100",
        message=ANY,
        details=ANY,
    ),
    _entry(_STRICT, "tree/no-parentheses", code="PGRST100", message=ANY, details=ANY, hint=None),
    _entry(_STRICT, "limit/negative-offset*", outcome="416 PGRST103"),
    _entry(_STRICT, "shape/filter", outcome="400 PGRST100"),
    _entry(_EMPTY, "order/empty upsert/merge-on-empty", outcome="200"),
    _entry(_EMPTY, "shape/columns-empty upsert/ignore-on-empty", outcome="201"),
    _entry("Ours: no rows are what was asked for.", "limit/zero-with-offset", outcome="200"),
    _entry("Ours: no rows are what was asked for.", "limit/zero-with-offset-exact", outcome="206"),
    _entry(
        "Ours: PostgREST has no answer to it.",
        "within/limit-negative",
        status=416,
        code="PGRST103",
        message=ANY,
        details=ANY,
        content_type=ANY,
    ),
    _entry(
        "Ours: the page and the range have no row in common, which is told in other words.",
        "range/disjoint",
        details=ANY,
    ),
    _entry(
        "Ours: the unit may stand before the rows, as RFC 9110 has it.", "range/unit", body=ANY, content_range="0-4/*"
    ),
    _entry(
        "Ours: the unit may stand before the rows, as RFC 9110 has it.",
        "range/unit-exact",
        status=206,
        body=ANY,
        content_range="0-4/360",
    ),
    _entry(
        "Ours: an empty text in quotes is looked for.", "operators/in-words-empty-string", body=ANY, content_range=ANY
    ),
    _entry("Ours: a type may have parameters.", "select/cast-parameters", code="22003", message=ANY, details=ANY),
    _entry("Ours: rows are grouped by what is selected of a document.", "aggregate/json-grouped", outcome="200"),
    _entry("Since 13: a table that is spread with nothing selected gives nothing.", "join/spread-empty", outcome="200"),
    _entry(_COLUMN, "aggregate/count-as-column", outcome="400 42703"),
    _entry("Since 13: a to-many table can be spread.", "join/spread-to-many join/spread-many-to-many", outcome="200"),
    _entry(_ALIAS, "within/order-by-json within/order-by-spread aggregate/beside-to-one", message=ANY),
    _entry(_ALIAS, "upsert/put-empty", code="23502", message=ANY, details=ANY),
    _entry(_SEARCH, "search/text-column-norwegian", body=ANY, content_range=ANY),
    _entry(_SEARCH, "search/json-column", outcome="200"),
    _entry(_SEARCH, "search/integer-column", message=ANY, hint=ANY),
    # Names.
    _entry(
        _TABLE,
        """method/options-unknown names/dotted-table names/quoted-table schema/only-in-public schema/default
        schema/insert-accept-ignored insert/unknown-table update/unknown-table delete/unknown-table""",
        code="PGRST205",
        message=ANY,
    ),
    _entry(_TABLE, "insert/near-table filter/table-upper-case", code="PGRST205", message=ANY, hint=ANY),
    _entry(_PARTITION, "filter/partition", outcome="404 PGRST205"),
    _entry(_PARTITION, "embed/partition", status=404, code="PGRST205", message=ANY, details=None, hint=ANY),
    _entry(
        "Since 13: the schema that was asked for is named.",
        """schema/unknown schema/hidden schema/system schema/quoted schema/upper-case schema/insert-unknown
        root/unknown-profile""",
        message=ANY,
        hint="Only the following schemas are exposed: public, api",
    ),
    _entry(
        _COLUMN,
        """insert/unknown-column shape/columns-unknown shape/csv-unknown-column update/columns-unknown
        update/unknown-column""",
        message="Could not find the 'colour' column of 'notes' in the schema cache",
    ),
    _entry(
        _HINT,
        """call/get-unknown call/get-unknown-with-arguments call/get-near call/get-near-no-arguments call/post-unknown
        call/post-unknown-with-arguments method/options-unknown-function""",
        hint=None,
    ),
    # Forms and preferences.
    _entry(
        _FORM,
        """accept/unknown-[!o]* accept/plain-* accept/octets-* accept/xml-* accept/html-* accept/malformed-*
        accept/openapi-* root/csv""",
        status=406,
    ),
    _entry(
        "Ours: no table is meant where a function's rows are of none.",
        "embed/in-table-function",
        hint="These rows are of no table or view. A function that RETURNS SETOF one embeds what its keys lead to.",
    ),
    _entry(_FORM, "own/function-none own/other-table", status=406),
    _entry(
        "Since 12.2: what takes a table's rows takes no part of them.",
        "own/table-part",
        status=406,
        code="PGRST107",
        message=ANY,
        details=None,
    ),
    _entry("Since 12.2: what takes anything takes a part of a row.", "own/anything-part", outcome="200"),
    _entry("There is no PostGIS.", "accept/geojson-*", status=406, code="PGRST107", message=ANY, hint=None),
    _entry(
        "Since 12.2: a media type in any case. Ours: a range of them.",
        "accept/upper-case-* accept/application-any-*",
        outcome="200",
    ),
    _entry(
        _OBJECT,
        """accept/object-rows accept/object-none accept/object-set accept/object-stripped-rows
        accept/object-stripped-none accept/object-stripped-set accept/object-short-rows accept/object-short-none
        accept/object-short-set accept/object-rows-function call/object-many call/object-scalar-set-many
        shape/object-two shape/object-two-minimal update/object-two update/object-none delete/object-two""",
        message="Cannot coerce the result to a single JSON object",
        content_type="application/json; charset=utf-8",
    ),
    _entry(_OBJECT, "method/head-object", content_type="application/json; charset=utf-8"),
    _entry("An embedded row is json, no jsonb: without blanks.", "accept/csv-embedded", body=ANY),
    _entry(
        "Ours: CSV as RFC 4180 has it: quotes where they are needed, of names too, and no doubled backslashes.",
        "accept/csv-odd-values accept/csv-odd-names accept/csv-no-columns",
        body=ANY,
    ),
    _entry(_PLAN, "plan/*", body=ANY),
    _entry(_DOCUMENT, "root/public root/api root/viewer root/openapi root/json", body=ANY),
    _entry(_AFFECTED, "prefer/23-read update/max-affected-enough delete/max-affected-enough", outcome="200"),
    _entry(_AFFECTED, "prefer/23-write", outcome="201"),
    _entry(_AFFECTED, "prefer/23-function", code="PGRST128", message=ANY, details=None),
    _entry(
        _AFFECTED,
        "call/max-affected update/max-affected delete/max-affected",
        code="PGRST124",
        message=ANY,
        details=ANY,
    ),
    _entry(
        "Since 12.2: any other method is PGRST117. Ours: with Allow.",
        "method/post-root",
        status=405,
        code="PGRST117",
        message=ANY,
        allow="OPTIONS,GET,HEAD",
    ),
    _entry(
        "Ours: a refused method comes with those that there are.",
        "method/put-function method/delete-function method/patch-function",
        allow="OPTIONS,GET,HEAD,POST",
    ),
    _entry(
        "Ours: a parameter that is given twice is named twice.",
        "tree/or-twice filter/same-twice",
        content_location=ANY,
    ),
    _entry(
        "Ours: OPTIONS needs no arguments.", "method/options-function method/options-volatile-function", outcome="200"
    ),
    # Writes.
    _entry(_FILTER, "update/no-filter* update/limit-alone delete/no-filter* delete/limit-alone", outcome="400 21000"),
    _entry(_LIMITED, "update/limit delete/limit", outcome="400 PGRST124"),
    _entry("Ours: a limit on what is added is kept as max-affected is.", "shape/limit", outcome="400 PGRST124"),
    _entry(_LIMITED, "update/limit-offset delete/limit-offset", outcome="400 PGRST100"),
    _entry(_LIMITED, "*/limit-no-order", code="PGRST124", message=ANY, details=ANY, hint=None),
    _entry(_ORDER, "shape/order update/order delete/order", body=ANY),
    _entry(_ORDER, "update/order-unknown delete/order-unknown", outcome="400 42703"),
    _entry(
        "Since 14.4: filters in a tree are not asked again of what was changed.",
        "update/tree-changes",
        body=ANY,
        content_range="0-1/*",
    ),
    _entry("Ours: no row that was written is hidden from its answer.", "shape/select-inner", body=ANY),
    _entry(_SCALAR, "insert/number insert/string insert/null", outcome="400 PGRST102"),
    _entry(
        "Ours: PATCH takes one object; PostgREST takes the first of several.",
        "update/list-of-two",
        outcome="400 PGRST102",
    ),
    _entry(
        "Ours: a line of a CSV that is too short is refused.",
        "shape/csv-short-row",
        code="PGRST102",
        message=ANY,
        details=None,
    ),
    _entry("Ours: a CSV names the columns that it shows.", "shape/csv-embedded shape/csv-order", body=ANY),
    # Functions.
    _entry(
        _FUNCTION,
        """count/filtered-function call/get-table-filter-unselected call/get-rows-filter*
        call/get-rows-tree call/get-rows-computed call/get-rows-is-parameter-and-column call/post-table-select
        call/post-rows-column-filter-like-parameter""",
        outcome="200",
    ),
    _entry(
        "Since 13: an argument in the URL has its parameter's type at once.",
        "call/get-json call/get-jsonb call/get-named-json",
        body=ANY,
    ),
    _entry("Ours: a name with a dot needs no quotes where it is an argument's.", "call/get-odd-names", outcome="200"),
    _entry("Since 13: no params=single-object.", "call/single-object", outcome="404 PGRST202"),
    _entry(
        "Since 14.2: one parameter that has a name does not take the whole body.",
        "call/post-named-json-whole",
        code="PGRST202",
        message=ANY,
        details=ANY,
        hint=ANY,
    ),
    _entry("Ours: the whole body may be any JSON.", "call/post-unnamed-json-list", outcome="200"),
    _entry("Ours: the whole body may be any JSON.", "call/post-unnamed-json-scalar", body={"got": "5"}),
    _entry("Ours: HEAD calls a function as GET does.", "call/head-teapot", outcome="418"),
    _entry("Ours: HEAD calls a function as GET does.", "call/head-pay", outcome="402 PT402"),
    _entry(_TROUBLE, "call/fail-57014", message=ANY, hint=ANY),
    _entry(_TROUBLE, "call/fail-53300", message=ANY, hint=ANY),
    _entry(_TROUBLE, "call/fail-XX000", message=ANY, hint=ANY),
    _entry(
        _WRITTEN_OUT,
        "call/refuse-no-message call/refuse-malformed call/refuse-malformed-detail",
        message=ANY,
        details=ANY,
        hint=ANY,
    ),
    _entry(
        "Ours: headers may be left out.",
        "call/refuse-no-headers",
        status=409,
        code="H1",
        message="no",
        details="since",
        hint="ask",
    ),
)


def expected_of(identity: str, among: Iterable[Difference] = DIFFERENCES) -> dict[str, Any]:
    """Return the aspects in which a case has to differ, and our value of each."""
    found: dict[str, Any] = {}
    for difference in _covering(identity, among):
        found |= difference.ours
    return found


def _covering(identity: str, among: Iterable[Difference]) -> Iterator[Difference]:
    return (difference for difference in among if difference.covers(identity))
