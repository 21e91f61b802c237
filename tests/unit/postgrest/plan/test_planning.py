from collections.abc import Mapping, Sequence

import pytest

from tenantry.domain.errors import BadRequest, GrammarError
from tenantry.postgrest import CatalogueNeeded, Kind, Plan, Request, RequestLimits, plan
from tenantry.postgrest.request import Guard
from tests.unit.postgrest.library import LIBRARY

ONE_ROW = b'{"name": "Asha"}'
SOME = {"id": ["eq.1"]}


def plan_read(query: Mapping[str, Sequence[str]], limits: RequestLimits | None = None) -> Plan:
    return plan(Request("GET", "people", query), limits or RequestLimits())


def test_a_read_is_one_select_with_a_window() -> None:
    planned = plan_read(
        {"select": ["id,full:name"], "age": ["gte.4", "not.gt.8"], "order": ["name.desc"], "limit": ["5"]}
    )

    assert planned.text.startswith("SELECT NULL::bigint, count(*), coalesce(json_agg(")
    assert (
        '(SELECT row_to_json("_rows".*) AS "_json" FROM ('
        'SELECT "id", "name" AS "full" FROM "public"."people" "_row of it" '
        'WHERE "age" >= $1 AND NOT ("age" > $2) '
        'ORDER BY "name" DESC LIMIT 5) "_rows" OFFSET 0) "_rows" WHERE (SELECT CASE WHEN NOT ('
    ) in planned.text
    # The third is what the type of the column is looked at with.
    assert planned.values == ("4", "8", None)
    assert (planned.status, planned.reads_only, planned.returns_body, planned.offset) == (200, True, True, 0)


def test_requests_of_one_shape_share_their_text() -> None:
    short = plan_read({"id": ["in.(1)"], "name": ["eq.a"], "limit": ["9"], "offset": ["3"]})
    long = plan_read({"id": ["in.(1,2,3)"], "name": ["eq.'; --"], "limit": ["9"], "offset": ["7"]})

    assert short.text == long.text
    assert plan_read({}).text == plan_read({"limit": ["1000"], "offset": ["0"]}).text


@pytest.mark.parametrize(
    ("given", "effective"), [(None, "1000"), ("10", "10"), ("5000", "1000"), ("0", "0"), ("9" * 18, "1000")]
)
def test_the_limit_never_exceeds_the_maximum(given: str | None, effective: str) -> None:
    planned = plan_read({"limit": [given]} if given else {})

    assert f" LIMIT {effective})" in planned.text
    assert planned.values == ()


def test_the_offset_is_told() -> None:
    planned = plan_read({"offset": ["40"]})

    assert (planned.offset, planned.values) == (40, ("40",))
    assert "LIMIT 1000 OFFSET $1" in planned.text


@pytest.mark.parametrize(
    ("method", "prefer", "status", "returns_body"),
    [
        ("POST", "", 201, False),
        ("POST", "return=representation", 201, True),
        ("PATCH", "return=minimal", 204, False),
        ("PATCH", "return=representation", 200, True),
        ("DELETE", "", 204, False),
        ("DELETE", "return=representation", 200, True),
    ],
)
def test_what_a_write_answers(method: str, prefer: str, status: int, returns_body: bool) -> None:
    query = {} if method == "POST" else SOME

    planned = plan(Request(method, "people", query, prefer=prefer, body=ONE_ROW))

    assert (planned.status, planned.returns_body, planned.reads_only) == (status, returns_body, False)
    assert planned.applied == prefer
    assert ("RETURNING 1)" in planned.text) is not returns_body


def test_an_insert_names_only_the_columns_of_the_body() -> None:
    planned = plan(Request("POST", "people", {}, body=b'[{"b":1,"a":2},{"a":3,"b":4}]'))

    assert '("a", "b") SELECT "_body"."a", "_body"."b" FROM' in planned.text
    assert planned.values == ('[{"b":1,"a":2},{"a":3,"b":4}]',)


def test_a_table_named_like_an_alias_does_not_meet_it() -> None:
    planned = plan(Request("PATCH", "_body", SOME, body=ONE_ROW))

    assert (
        'UPDATE "public"."_body" AS "_row of it" SET "name" = ("_new values"."_new values")."name" FROM' in planned.text
    )


@pytest.mark.parametrize("body", ["{}", "[]", "[{}]"])
def test_an_update_of_nothing_only_reads(body: str) -> None:
    planned = plan(Request("PATCH", "people", SOME, prefer="return=representation", body=body.encode()))

    assert planned.reads_only
    assert "UPDATE" not in planned.text
    assert planned.values == ()


@pytest.mark.parametrize(("method", "command"), [("PATCH", "UPDATE"), ("DELETE", "DELETE")])
def test_a_write_without_a_filter_is_refused(method: str, command: str) -> None:
    with pytest.raises(BadRequest) as refused:
        plan(Request(method, "people", {"select": ["id"]}, body=ONE_ROW))

    assert refused.value.code == "21000"
    assert refused.value.message == f"{command} requires a WHERE clause"
    assert refused.value.hint


@pytest.mark.parametrize(
    "query",
    [
        {"clients.or": ["(a.eq.1)"]},
        {"clients.name": ["eq.1"]},
        {"clients.limit": ["1"]},
        {"clients.offset": ["0"]},
        {"clients.order": ["name"]},
        {"order": ["clients(name)"]},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_what_is_asked_of_no_embedded_table_is_refused(method: str, query: Mapping[str, Sequence[str]]) -> None:
    with pytest.raises(BadRequest) as refused:
        plan(Request(method, "people", query, body=ONE_ROW))

    assert refused.value.code == "PGRST108"


@pytest.mark.parametrize(
    "query",
    [
        {"select": ["*,authors(*)"], "authors.books.name": ["eq.1"]},
        {"select": ["*,authors(books(*))"], "authors.tags.limit": ["1"]},
        {"select": ["*,authors(books(*))"], "authors.books.tags.or": ["(id.eq.1)"]},
        {"select": ["*,authors(books(*))"], "books.name": ["eq.1"]},
        {"select": ["*,...authors(books(*))"], "books.order": ["id"]},
        {"select": ["*,authors(books(*))"], "authors.order": ["tags(name)"]},
        {"select": ["*,authors!inner(*)"], "order": ["books(name)"]},
    ],
)
@pytest.mark.parametrize(
    ("method", "named", "kind"),
    [
        ("GET", "books", Kind.TABLE),
        ("PATCH", "books", Kind.TABLE),
        ("POST", "books", Kind.TABLE),
        ("GET", "all_books", Kind.ROUTINE),
        ("POST", "all_books", Kind.ROUTINE),
    ],
)
def test_what_is_asked_of_a_table_that_is_not_at_its_path_is_refused(
    method: str, named: str, kind: Kind, query: Mapping[str, Sequence[str]]
) -> None:
    filters = {"id": ["eq.1"]} if method == "PATCH" else {}
    body = b"{}" if kind is Kind.ROUTINE else ONE_ROW
    with pytest.raises(BadRequest) as refused:
        plan(Request(method, named, {**query, **filters}, kind, body=body), RequestLimits(), LIBRARY)

    assert refused.value.code == "PGRST108"


@pytest.mark.parametrize(
    "query",
    [
        {"authors.limit": ["1"], '"authors".limit': ["2"]},
        {"authors.order": ["id"], " authors.order": ["name"]},
        {"authors.offset": ["1"], '"authors".offset': ["2"]},
        {"authors.limit": ["1"], "who.limit": ["2"]},
        {"authors.order": ["id"], "who.order": ["name"]},
        {"authors.offset": ["1"], "who.offset": ["1"]},
        {"authors.limit": ["0"], "who.limit": ["0"]},
    ],
)
def test_what_has_one_value_is_given_once_however_its_table_is_spelled(query: Mapping[str, Sequence[str]]) -> None:
    with pytest.raises(GrammarError, match="was given 2 times"):
        plan(Request("GET", "books", {"select": ["id,who:authors(id)"], **query}), RequestLimits(), LIBRARY)


def test_an_alias_and_a_name_add_up() -> None:
    query = {"select": ["id,with:tags(id)"], "with.limit": ["7"], "tags.offset": ["3"], "with.order": ["name"]}
    planned = plan(Request("GET", "books", query), RequestLimits(), LIBRARY)

    assert 'ORDER BY "tags_1"."name" LIMIT 7 OFFSET $1' in planned.text
    assert planned.values[0] == "3"


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ({"or": ["(a.eq.1,b.eq.2)"]}, '("a" = $1 OR "b" = $2)'),
        ({"not.and": ["(a.is.null,b.in.(1,2))"]}, 'NOT ("a" IS NULL AND "b" = ANY($1))'),
        ({"and": ['(a.eq."x,y",not.or(b.lt.1,c.not.gt.{1,2}))']}, 'NOT ("b" < $2 OR NOT ("c" > $3))'),
    ],
)
def test_conditions_nest(query: Mapping[str, Sequence[str]], condition: str) -> None:
    assert condition in plan_read(query).text


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "people", {"select": ["*,clients(*)"]}),
        Request("GET", "people", {"data->a": ["eq.1"]}),
        Request("GET", "people", {"name": ["fts.a"]}),
        Request("GET", "people", {"order": ["data->a"]}),
        Request("GET", "people", {"select": ["data->a"]}),
        Request("POST", "people", {}, prefer="resolution=merge-duplicates", body=ONE_ROW),
        Request("POST", "people", {"columns": ["name,age"]}, prefer="missing=default", body=ONE_ROW),
        Request("POST", "people", {}, prefer="return=headers-only", body=ONE_ROW),
        Request("PUT", "people", SOME, body=ONE_ROW),
        Request("GET", "add", {}, kind=Kind.ROUTINE),
    ],
)
def test_what_depends_on_the_catalogue_says_so(request_: Request) -> None:
    with pytest.raises(CatalogueNeeded):
        plan(request_)


def test_rows_with_the_same_keys_leave_out_nothing_that_a_default_is_needed_for() -> None:
    planned = plan(Request("POST", "people", {}, prefer="missing=default", body=ONE_ROW))

    assert planned.text == plan(Request("POST", "people", {}, body=ONE_ROW)).text
    assert planned.applied == "missing=default"


def test_an_upsert_that_names_its_key_needs_no_catalogue() -> None:
    request = Request("POST", "people", {"on_conflict": ["name"]}, prefer="resolution=ignore-duplicates", body=ONE_ROW)

    assert 'ON CONFLICT ("name") DO NOTHING' in plan(request).text


@pytest.mark.parametrize(("method", "filters"), [("PATCH", SOME), ("DELETE", SOME), ("POST", {})])
def test_a_limit_on_a_change_is_kept_by_refusing_more(method: str, filters: Mapping[str, Sequence[str]]) -> None:
    planned = plan(Request(method, "people", {"limit": ["1"], **filters}, body=ONE_ROW))

    assert planned.guards == ((Guard.MAX_AFFECTED, 1),)
    assert "count(*) > 1" in planned.text


@pytest.mark.parametrize(
    ("method", "query"),
    [
        ("POST", SOME),
        ("DELETE", {"offset": ["1"], **SOME}),
        ("POST", {"offset": ["1"]}),
        ("GET", {"columns": ["id"]}),
        ("HEAD", {"columns": ["id"]}),
        ("DELETE", {"columns": ["id"], **SOME}),
        ("GET", {"on_conflict": ["id"]}),
        ("PATCH", {"on_conflict": ["id"], **SOME}),
        ("DELETE", {"on_conflict": ["id"], **SOME}),
        ("GET", {"select": ["a", "b"]}),
        ("GET", {"limit": ["1", "2"]}),
    ],
)
def test_a_parameter_without_a_meaning_is_refused(method: str, query: Mapping[str, Sequence[str]]) -> None:
    with pytest.raises(GrammarError):
        plan(Request(method, "people", query, body=ONE_ROW))


@pytest.mark.parametrize(("method", "query"), [("GET", {"columns": ["1"]}), ("POST", {"on_conflict": ["id"]})])
def test_an_argument_is_not_taken_for_what_has_no_meaning(method: str, query: Mapping[str, Sequence[str]]) -> None:
    with pytest.raises(GrammarError, match=f"has no meaning for {method} of a function"):
        plan(Request(method, "add", query, Kind.ROUTINE, body=b"{}"), RequestLimits(), LIBRARY)


def test_an_update_takes_one_object() -> None:
    with pytest.raises(GrammarError) as refused:
        plan(Request("PATCH", "people", SOME, body=b'[{"a":1},{"a":2}]'))

    assert refused.value.code == "PGRST102"


def test_limits_the_number_of_filters() -> None:
    with pytest.raises(GrammarError, match="at most 2"):
        plan_read({"a": ["eq.1", "eq.2"], "b": ["eq.3"]}, RequestLimits(max_filters=2))


@pytest.mark.parametrize("method", ["OPTIONS", "get", ""])
def test_other_methods_are_refused(method: str) -> None:
    with pytest.raises(BadRequest) as refused:
        plan(Request(method, "people", {}))

    assert refused.value.code == "PGRST117"


@pytest.mark.parametrize("table", ["", "a\0", "x" * 64])
def test_refuses_a_table_that_cannot_exist(table: str) -> None:
    with pytest.raises(BadRequest):
        plan(Request("GET", table, {}))
