"""Any request results in one statement with every name quoted, or in an error of the caller's."""

import json
import re
from collections.abc import Mapping, Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tenantry.domain.errors import BadRequest, PayloadTooLarge
from tenantry.domain.session_state import SESSION_STATE
from tenantry.postgrest import CatalogueNeeded, Kind, Request, RequestLimits, plan
from tenantry.postgrest.own_headers import HEADERS_PATTERN, STATUS_PATTERN
from tenantry.postgrest.sql.csv_lines import csv_body
from tenantry.postgrest.sql.gate import _HIDDEN
from tenantry.postgrest.sql.gathering import Bound
from tests.unit.postgrest.library import LIBRARY

WORDS = """
SELECT FROM WHERE AND OR NOT ORDER GROUP BY ASC DESC NULLS FIRST LAST LIMIT OFFSET AS CAST IS NULL TRUE FALSE UNKNOWN
LIKE ILIKE ANY ALL WITH INSERT INTO UPDATE SET DELETE RETURNING ON CONFLICT DO NOTHING EXCLUDED DISTINCT EXISTS
LEFT INNER JOIN LATERAL CASE WHEN THEN END VARIADIC true value key
count coalesce json_agg json_populate_recordset json_array_elements jsonb_array_elements jsonb_populate_record
jsonb_build_object json_to_record json_to_recordset json_object_agg json_each_text json_object_keys string_agg
substring length row_to_json to_jsonb to_tsvector to_tsquery plainto_tsquery nullif left current_setting set_config
get_bit sum avg max min text int bigint bytea json jsonb regconfig false
pg_column_size octet_length greatest to_json pg_typeof pg_backend_pid pg_try_advisory_xact_lock ELSE OVER ROWS UNBOUNDED
PRECEDING convert_to ROW DEFAULT json_populate_record regclass pg_catalog pg_attribute attrelid attname attidentity a e
t k name version xmin pg_attrdef adrelid adnum attnum pg_type oid atttypid typbasetype
"""
KEYWORDS = frozenset(WORDS.split())
PATTERNS = "|".join(re.escape(pattern) for pattern in (_HIDDEN, HEADERS_PATTERN, STATUS_PATTERN))
SETTINGS = f"response\\.headers|response\\.status|tenantry\\.merged|tenantry\\.slots|{PATTERNS}"
# How rows are written as CSV depends on nothing of the request.
BOUNDS = (Bound(RequestLimits().max_answer_bytes, exact=each, encoded=each) for each in (False, True))
CSV = [constant for bound in BOUNDS for constant in csv_body("", bound)[1:]]
TOKEN = re.compile(
    rf"""(?P<name>"(?:[^"\0]|"")+")|(?P<placeholder>\$\d+)|(?P<literal>E?'(?:\[\]|null|,|\\n|UTF8|{SETTINGS})?')"""
    r"""|(?P<word>[A-Za-z_]+)|(?P<number>\d+)|(?P<blank>\ )"""
    r"""|(?P<sign>->>|/|->|:=|::|<>|>=|<=|@>|<@|@@|&&|&<|&>|<<|>>|-\|-|!?~\*?|\|\||\[\]|[~=<>().,*+-])""",
    re.VERBOSE,
)

awkward = st.text(st.characters() | st.sampled_from("\"'\\;:.,()*->$%_ \0\n\t{}[]/!&|=1aZé\ud800"), max_size=40)
names = st.sampled_from(["id", "name", '"a b"', "e-mail", "größe", 'x"y', "count", "_rows"]) | awkward
operators = st.sampled_from(
    ["eq", "neq", "gte", "like", "match", "in", "is", "not.eq", "not.in", "fts", "fts(simple)", "cs", "eq(any)"]
)
types = st.sampled_from(["text", "int", "numeric(10,2)", "text[]", "double precision", "select"]) | awkward


@st.composite
def select_items(draw: st.DrawFn) -> str:
    item = draw(names | st.just("*") | st.sampled_from(["data->a->>0", "count()", "age.sum()"]))
    if draw(st.booleans()):
        item = f"{draw(names)}:{item}"
    return f"{item}::{draw(types)}" if draw(st.booleans()) else item


plain = st.lists(select_items(), min_size=1, max_size=4).map(",".join)
embedded = st.builds(
    "{}{}{}({})".format,
    st.sampled_from(["", "...", "x:"]),
    st.sampled_from(["authors", "books", "tags", "parent", "nowhere"]) | awkward,
    st.sampled_from(["", "!inner", "!left", "!books_author_id_fkey", "!none"]),
    plain | st.just(""),
)
selects = st.lists(plain | embedded, min_size=1, max_size=3).map(",".join)
orders = st.builds(
    "{}{}".format,
    names | st.sampled_from(["data->a", "authors(name)", "authors(data->>a)"]),
    st.sampled_from(["", ".asc", ".desc.nullslast", ".x", "; --"]),
)
lists = st.lists(awkward, max_size=4).map(lambda items: "in.(" + ",".join(items) + ")")
conditions = st.builds("{}.{}".format, operators, awkward) | lists | awkward
trees = st.recursive(
    st.builds("{}.{}".format, names | st.just("data->a"), conditions),
    lambda inner: st.builds(
        "{}({})".format,
        st.sampled_from(["and", "or", "not.and", "xor"]),
        st.lists(inner, min_size=1, max_size=3).map(",".join),
    ),
    max_leaves=4,
).map("({})".format)
counts = st.integers(-5, 10**30).map(str) | awkward
reserved = st.fixed_dictionaries(
    {},
    optional={
        "select": st.lists(selects | awkward, max_size=1),
        "order": st.lists(orders, max_size=1),
        "limit": st.lists(counts, max_size=1),
        "offset": st.lists(counts, max_size=1),
        "columns": st.lists(names, max_size=1),
        "on_conflict": st.lists(names, max_size=1),
        "or": st.lists(trees | awkward, max_size=1),
        "authors.and": st.lists(trees, max_size=1),
        "authors.order": st.lists(orders, max_size=1),
        "tags.limit": st.lists(counts, max_size=1),
    },
)
filters = st.dictionaries(
    names | st.sampled_from(["data->>a", "authors.name", "authors"]), st.lists(conditions, max_size=2), max_size=3
)
queries = st.builds(lambda some, others: {**some, **others}, filters, reserved)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | awkward,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
)


def as_json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False)


bodies = st.none() | awkward | documents.map(as_json) | st.dictionaries(names, documents, max_size=3).map(as_json)
preferences = (
    st.lists(
        st.sampled_from(
            [
                "return=representation",
                "return=headers-only",
                "count=exact",
                "count=planned",
                "missing=default",
                "tx=rollback",
                "resolution=merge-duplicates",
                "resolution=ignore-duplicates",
                "handling=strict",
                "max-affected=3",
            ]
        ),
        max_size=4,
    ).map(",".join)
    | awkward
)
accepts = (
    st.sampled_from(
        ["", "text/csv", "application/vnd.pgrst.object+json", "application/vnd.pgrst.plan+json; options=analyze"]
    )
    | awkward
)


@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"]),
    name=st.sampled_from(["books", "authors", "add", "all_books"]) | names,
    query=queries,
    kind=st.sampled_from(Kind),
    prefer=preferences,
    accept=accepts,
    body=bodies,
)
@example(method="GET", name="t", query={"select": ["id::text) --"]}, kind=Kind.TABLE, prefer="", accept="", body=None)
@example(
    method="GET", name='t"; --', query={"order": ['"a"";--".desc']}, kind=Kind.TABLE, prefer="", accept="", body=None
)
@settings(max_examples=800, deadline=None)
def test_one_statement_or_a_refusal(
    method: str, name: str, query: Mapping[str, Sequence[str]], kind: Kind, prefer: str, accept: str, body: str | None
) -> None:
    raw = None if body is None else body.encode(errors="surrogatepass")
    request = Request(method, name, query, kind, prefer=prefer, accept=accept, body=raw, range=prefer)
    limits = RequestLimits(max_list_items=3, aggregates=True, plans=True, at_once=2)
    for catalogue in (None, LIBRARY):
        try:
            planned = plan(request, limits, catalogue)
        except (BadRequest, PayloadTooLarge, CatalogueNeeded):
            continue
        assert_sound(planned.text, planned.values)
        if planned.counted:
            assert_sound(*planned.counted)


def assert_sound(text: str, values: Sequence[str | None]) -> None:
    for constant in (*CSV, SESSION_STATE):
        text = text.replace(constant, "NULL")
    assert_only_quoted_names(text)
    placeholders = {int(number) for number in re.findall(r"\$(\d+)", without_names(text))}
    assert placeholders == set(range(1, len(values) + 1))
    assert all(value is not None and "\0" not in value and value.encode() for value in values if value)


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
