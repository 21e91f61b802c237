"""Inserts of one or many rows, and what they return; every request is rolled back."""

from itertools import product

from tests.differential.cases import Case, post
from tests.differential.corpus.forms import ARRAY, OBJECT, STRIPPED

_RETURNS = ("", "return=minimal", "return=headers-only", "return=representation")
_SEEN = "return=representation"
_FORM = "application/x-www-form-urlencoded"


def _inserted() -> list[Case]:
    one, two = {"text": "x"}, [{"text": "x"}, {"text": "y", "priority": None}]
    targets = {
        "one": ("notes", one),
        "two": ("notes", two),
        "given-key": ("notes", {"id": 77, "text": "x"}),
        "text-key": ("stock", {"code": "Z/1 &", "label": "zinc"}),
        "two-keys": ("offers", {"harbour_id": 3, "kind": "tug", "price": 4.5}),
        "keyless": ("keyless", {"a": 5, "b": "q"}),
        "view": ("writable_notes", {"id": 78, "text": "x", "priority": 1}),
    }
    found = [
        post(f"insert/{name}-{returned.removeprefix('return=') or 'plain'}", target, body, prefer=returned)
        for (name, (target, body)), returned in product(targets.items(), _RETURNS)
    ]
    bodies = {
        "empty-list": ("notes", []),
        "empty-object": ("notes", {}),
        "empty-object-defaults": ("defaults_only", {}),
        "list-of-empty": ("defaults_only", [{}, {}]),
        "other-keys": ("notes", [{"text": "x"}, {"id": 80, "text": "y"}]),
        "unknown-column": ("notes", {"text": "x", "colour": "red"}),
        "number": ("notes", "7"),
        "string": ("notes", '"x"'),
        "null": ("notes", "null"),
        "list-of-numbers": ("notes", "[1, 2]"),
        "malformed": ("notes", '{"text": '),
        "nothing": ("notes", ""),
        "text-for-number": ("notes", {"id": "x", "text": "y"}),
        "number-as-text": ("notes", {"id": "81", "text": 5}),
        "missing-required": ("notes", {"priority": 1}),
        "duplicate": ("notes", {"id": 1, "text": "x"}),
        "duplicate-unique": ("stock", {"code": "Q", "label": "apples"}),
        "broken-check": ("ledger", {"amount": -5}),
        "broken-named-check": ("ledger", {"amount": 5, "state": "lost"}),
        "broken-key": ("offers", {"harbour_id": 99, "kind": "tug"}),
        "broken-domain": ("ships", {"name": "x", "call": "lower"}),
        "broken-enum": ("ships", {"name": "x", "kind": "canoe"}),
        "generated-column": ("ledger", {"amount": 5, "doubled": 3}),
        "identity-always": ("ledger", {"id": 90, "amount": 5}),
        "identity-default": ("ledger", {"amount": 5, "data": {"a": [1]}}),
        "array": ("notes", {"text": "x", "labels": ["a", 'say "b"', None]}),
        "array-as-text": ("notes", {"text": "x", "labels": "{a,b}"}),
        "array-empty": ("notes", {"text": "x", "labels": []}),
        "json": ("notes", {"text": "x", "extra": {"deep": [1, {"er": None}]}}),
        "json-null": ("notes", {"text": "x", "extra": None}),
        "json-string": ("notes", {"text": "x", "extra": "plain"}),
        "composite": (
            "harbours",
            {"id": 50, "name": "New", "country": "NO", "position": {"latitude": 1, "longitude": 2}},
        ),
        "range": ("moorings", {"id": 50, "stay": "[2024-01-01,2024-02-01)"}),
        "bytes": ("samples", {"id": 50, "raw": r"\x0102", "ident": "00000000-0000-4000-8000-00000000000f"}),
        "bad-uuid": ("samples", {"id": 50, "ident": "1234"}),
        "bad-date": ("samples", {"id": 50, "day": "2024-02-30"}),
        "long-varchar": ("samples", {"id": 50, "short": "x" * 20}),
        "large-number": ("samples", {"id": 50, "small": 99999}),
        "big-number": ("samples", '{"id": 50, "big": 9007199254740993, "exact": 1.10}'),
        "unicode": ("häfen", {"id": 50, "straße": "東京 🚢"}),
        "odd-names": ("Odd Names", {"Row Id": 50, 'say "hi"': "q", "dotted.name": "d", "größe": 4, "arrow->x": "a"}),
        "policy-own": ("diaries", {"id": 50, "text": "new"}),
        "policy-other": ("diaries", {"id": 50, "owner": "another", "text": "new"}),
        "vault": ("vault", {"id": 50}),
        "staff": ("staff", {"id": 50, "name": "x"}),
        "staff-wage": ("staff", {"id": 50, "name": "x", "wage": 1}),
        "grouped-view": ("fleet_sizes", {"company_id": 1, "ships": 1}),
        "trigger-view": ("stock_form", {"code": "N", "label": "nuts"}),
        "check-option": ("urgent_notes", {"id": 60, "text": "x", "priority": 9}),
        "materialized": ("harbour_traffic", {"harbour_id": 9}),
        "partitioned": ("readings", {"sensor_id": 3, "day": "2024-06-01", "level": 1}),
        "no-partition": ("readings", {"sensor_id": 3, "day": "1999-06-01", "level": 1}),
        "unknown-table": ("nothing", {"id": 1}),
        "near-table": ("note", {"id": 1}),
        "shown-domain": ("buoys", {"id": 50, "label": "x", "colour": "#00ff00"}),
        "repeated-key": ("notes", '{"text": "x", "text": "y"}'),
        "null-byte": ("notes", '{"text": "a\\u0000b"}'),
    }
    return found + [post(f"insert/{name}", target, body, prefer=_SEEN) for name, (target, body) in bodies.items()]


def _shaped() -> list[Case]:
    """Which columns a write returns, and which keys of the body it uses."""
    note, two = {"id": 70, "text": "x"}, [{"id": 70, "text": "x"}, {"id": 71, "text": "y"}]
    many = [{"id": 1000 + i, "text": f"n{i}"} for i in range(120)]
    seen = {
        "select": ("notes?select=id,text", note),
        "select-alias": ("notes?select=number:id,text", note),
        "select-cast": ("notes?select=id::text,labels", note),
        "select-json": ("notes?select=extra->a", {"id": 70, "text": "x", "extra": {"a": 1}}),
        "select-unknown": ("notes?select=nothing", note),
        "select-embedded": ("ships?select=id,companies(name)", {"id": 70, "name": "New", "company_id": 1}),
        "select-to-many": ("companies?select=id,ships(id)", {"id": 70, "name": "New"}),
        "select-computed": ("ships?select=full_title", {"id": 70, "name": "New"}),
        "select-unknown-embed": ("notes?select=id,nothing(id)", note),
        "select-inner": ("ships?select=id,companies!inner(name)", [{"id": 70, "name": "a"}, {"id": 71, "name": "b"}]),
        "columns": ("notes?columns=id,text", {"id": 70, "text": "x", "priority": 9}),
        "columns-quoted": (
            'Odd Names?columns="Row Id","dotted.name"',
            {"Row Id": 70, "dotted.name": "x", "UPPER": "y"},
        ),
        "columns-missing": ("notes?columns=id,text,priority", note),
        "columns-unknown": ("notes?columns=id,colour", note),
        "columns-empty": ("notes?columns=", note),
        "columns-other-keys": ("notes?columns=id,text,priority", [note, {"id": 71, "text": "y", "priority": 1}]),
        "columns-only-one": ("notes?columns=text", two),
        "order": ("notes?order=id.desc", two),
        "limit": ("notes?limit=1&order=id", two),
        "filter": ("notes?id=eq.70", two),
        "many": ("notes?select=id", many),
    }
    found = [post(f"shape/{name}", target, body, prefer=_SEEN) for name, (target, body) in seen.items()]
    missing = "missing=default, return=representation"
    found += [
        post("shape/missing-default", "notes?columns=id,text,priority,labels", note, prefer=missing),
        post(
            "shape/missing-default-rows",
            "notes?columns=id,text,priority",
            [note, {"text": "y", "priority": 1}],
            prefer=missing,
        ),
        post(
            "shape/missing-null", "notes?columns=id,text,priority", note, prefer="missing=null, return=representation"
        ),
        post("shape/missing-no-columns", "notes", note, prefer=missing),
        post("shape/missing-generated", "ledger?columns=amount,doubled", {"amount": 1}, prefer=missing),
        post("shape/missing-identity", "ledger?columns=id,amount", {"amount": 1}, prefer=missing),
        post("shape/object", "notes", note, prefer=_SEEN, accept=OBJECT),
        post("shape/object-two", "notes", two, prefer=_SEEN, accept=OBJECT),
        post("shape/object-two-minimal", "notes", two, accept=OBJECT),
        post(
            "shape/stripped", "notes", {"id": 70, "text": "x", "priority": None}, prefer=_SEEN, accept=ARRAY + STRIPPED
        ),
        post("shape/csv-answer", "notes?select=id,text", two, prefer=_SEEN, accept="text/csv"),
        post("shape/csv-embedded", "ships?select=name,companies(name)", {"name": "x"}, prefer=_SEEN, accept="text/csv"),
        post("shape/csv-order", "notes?select=text,id", two, prefer=_SEEN, accept="text/csv"),
        post("shape/count", "notes", two, prefer="count=exact, return=representation"),
        post("shape/count-minimal", "notes", two, prefer="count=exact"),
        post("shape/csv", "notes", 'id,text,priority\n70,x,1\n71,"y, z",NULL', prefer=_SEEN, content_type="text/csv"),
        post("shape/csv-crlf", "notes", "id,text\r\n70,x\r\n", prefer=_SEEN, content_type="text/csv"),
        post("shape/csv-quotes", "notes", 'id,text\n70,"say ""hi"""\n', prefer=_SEEN, content_type="text/csv"),
        post("shape/csv-empty-value", "notes", "id,text\n70,\n", prefer=_SEEN, content_type="text/csv"),
        post("shape/csv-short-row", "notes", "id,text\n70\n", prefer=_SEEN, content_type="text/csv"),
        post("shape/csv-header-only", "notes", "id,text\n", prefer=_SEEN, content_type="text/csv"),
        post("shape/csv-unknown-column", "notes", "id,colour\n70,x", prefer=_SEEN, content_type="text/csv"),
        post("shape/form", "notes", "id=70&text=a+b%26c", prefer=_SEEN, content_type=_FORM),
        post("shape/form-empty", "defaults_only", "", prefer=_SEEN, content_type=_FORM),
        post("shape/utf8", "notes", note, prefer=_SEEN, content_type="application/json; charset=utf-8"),
        post("shape/object-type", "notes", note, prefer=_SEEN, content_type=OBJECT),
        post("shape/unknown-type", "notes", note, prefer=_SEEN, content_type="image/png"),
        post("shape/text-type", "notes", "id,text", prefer=_SEEN, content_type="text/plain"),
    ]
    return found


CASES = [*_inserted(), *_shaped()]
