"""Whatever is sent, the outcome is one statement with every name quoted, or the caller's error."""

import json
import re
from collections.abc import Mapping, Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tenantry.domain.errors import BadRequest, PayloadTooLarge
from tenantry.postgrest import Limits, Request, plan

WORDS = """
SELECT FROM WHERE AND NOT ORDER BY ASC DESC NULLS FIRST LAST LIMIT OFFSET AS CAST IS NULL TRUE FALSE UNKNOWN
LIKE ILIKE ANY WITH INSERT INTO UPDATE SET DELETE RETURNING
count coalesce json_agg json_populate_recordset json_array_elements text false
"""
KEYWORDS = frozenset(WORDS.split())
TOKEN = re.compile(
    r"""(?P<name>"(?:[^"\0]|"")+")|(?P<placeholder>\$\d+)|(?P<literal>'\[\]')|(?P<word>[A-Za-z_]+)"""
    r"""|(?P<number>\d+)|(?P<sign>::|<>|>=|<=|\[\]|[=<>().,*])|(?P<blank>\ )""",
    re.VERBOSE,
)

awkward = st.text(st.characters() | st.sampled_from("\"'\\;:.,()*->$%_ \0\n\t{}[]/!&|=1aZé\ud800"), max_size=40)
names = st.sampled_from(["id", "name", '"a b"', "e-mail", "größe", 'x"y', "count", "_rows"]) | awkward
operators = st.sampled_from(
    ["eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "in", "is", "not.eq", "not.in", "fts", "cs"]
)
types = st.sampled_from(["text", "int", "numeric(10,2)", "text[]", "double precision", "select"]) | awkward


@st.composite
def select_items(draw: st.DrawFn) -> str:
    item = draw(names | st.just("*"))
    if draw(st.booleans()):
        item = f"{draw(names)}:{item}"
    return f"{item}::{draw(types)}" if draw(st.booleans()) else item


selects = st.lists(select_items(), min_size=1, max_size=4).map(",".join)
orders = st.builds("{}{}".format, names, st.sampled_from(["", ".asc", ".desc.nullslast", ".x", "; --"]))
lists = st.lists(awkward, max_size=4).map(lambda items: "in.(" + ",".join(items) + ")")
conditions = st.builds("{}.{}".format, operators, awkward) | lists | awkward
counts = st.integers(-5, 10**30).map(str) | awkward
reserved = st.fixed_dictionaries(
    {},
    optional={
        "select": st.lists(selects | awkward, max_size=1),
        "order": st.lists(orders, max_size=1),
        "limit": st.lists(counts, max_size=1),
        "offset": st.lists(counts, max_size=1),
        "columns": st.lists(names, max_size=1),
    },
)
filters = st.dictionaries(names, st.lists(conditions, max_size=2), max_size=3)
queries = st.builds(lambda some, others: {**some, **others}, filters, reserved)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | awkward,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
)


def as_json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False)


bodies = st.none() | awkward | documents.map(as_json) | st.dictionaries(names, documents, max_size=3).map(as_json)
preferences = st.sampled_from(["", "return=representation", "return=minimal", "count=exact"]) | awkward


@given(
    method=st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
    table=names,
    query=queries,
    prefer=preferences,
    body=bodies,
)
@example(method="GET", table="t", query={"select": ["id::text) --"]}, prefer="", body=None)
@example(method="GET", table='t"; --', query={"order": ['"a"";--".desc']}, prefer="", body=None)
@settings(max_examples=600, deadline=None)
def test_one_statement_or_a_refusal(
    method: str, table: str, query: Mapping[str, Sequence[str]], prefer: str, body: str | None
) -> None:
    try:
        planned = plan(Request(method, table, query, prefer=prefer, body=body), Limits(max_list_items=3))
    except (BadRequest, PayloadTooLarge):
        return

    assert_only_quoted_names(planned.text)
    placeholders = [int(number) for number in re.findall(r"\$(\d+)", without_names(planned.text))]
    assert placeholders == list(range(1, len(planned.values) + 1))
    assert all(value is not None and "\0" not in value and value.encode() for value in planned.values if value)


def without_names(text: str) -> str:
    return re.sub(r'"(?:[^"]|"")+"', "name", text)


def assert_only_quoted_names(text: str) -> None:
    position = 0
    while position < len(text):
        token = TOKEN.match(text, position)
        assert token, f"no token at {text[position:]!r}"
        if token["word"]:
            assert token["word"] in KEYWORDS
        position = token.end()
