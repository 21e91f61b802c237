"""Rows changed and deleted."""

from tests.differential.cases import Case, case, delete, get, patch
from tests.differential.corpus.forms import OBJECT

_RETURNS = ("", "return=minimal", "return=headers-only", "return=representation")
_SEEN = "return=representation"


def _changed() -> list[Case]:
    found = []
    for returned in _RETURNS:
        name = returned.removeprefix("return=") or "plain"
        found += [
            patch(f"update/some-{name}", "notes?priority=eq.2", {"text": "new"}, prefer=returned),
            patch(f"update/none-{name}", "notes?id=eq.0", {"text": "new"}, prefer=returned),
            delete(f"delete/some-{name}", "notes?priority=eq.2", prefer=returned),
            delete(f"delete/none-{name}", "notes?id=eq.0", prefer=returned),
        ]
    updates = {
        "two-filters": ("notes?priority=eq.2&id=gt.2", {"text": "new"}),
        "tree": ("notes?or=(id.eq.1,id.eq.3)", {"text": "new"}),
        "select": ("notes?id=eq.1&select=id,text", {"text": "new"}),
        "select-embedded": ("ships?id=eq.3&select=id,companies(name)", {"company_id": 1}),
        "filter-changes": ("notes?priority=eq.2&select=id,priority", {"priority": 5}),
        "tree-changes": ("notes?or=(priority.eq.2,id.eq.9)&select=id,priority", {"priority": 5}),
        "null": ("notes?id=eq.1", {"priority": None}),
        "columns": ("notes?id=eq.1&columns=text", {"text": "new", "priority": 9}),
        "columns-missing": ("notes?id=eq.1&columns=text,priority", {"text": "new"}),
        "columns-unknown": ("notes?id=eq.1&columns=colour", {"colour": "red"}),
        "array": ("notes?id=eq.1", {"labels": ["a", "b"]}),
        "json": ("notes?id=eq.1", {"extra": {"a": [1]}}),
        "empty-object": ("notes?id=eq.1", {}),
        "empty-list": ("notes?id=eq.1", []),
        "list-of-one": ("notes?id=eq.1", [{"text": "new"}]),
        "list-of-two": ("notes?id=eq.1", [{"text": "new"}, {"text": "newer"}]),
        "unknown-column": ("notes?id=eq.1", {"colour": "red"}),
        "unknown-filter": ("notes?nothing=eq.1", {"text": "x"}),
        "malformed": ("notes?id=eq.1", "{"),
        "nothing": ("notes?id=eq.1", ""),
        "broken-check": ("ledger?id=eq.1", {"amount": -1}),
        "generated": ("ledger?id=eq.1", {"doubled": 1}),
        "identity": ("ledger?id=eq.1", {"id": 9}),
        "duplicate": ("notes?id=eq.1", {"id": 2}),
        "referenced": ("companies?id=eq.1", {"id": 90}),
        "view": ("writable_notes?id=eq.1", {"text": "new"}),
        "check-option": ("urgent_notes?id=eq.1", {"priority": 8}),
        "grouped-view": ("fleet_sizes?company_id=eq.1", {"ships": 1}),
        "policy-other": ("diaries?id=eq.2", {"text": "new"}),
        "policy-leave": ("diaries?id=eq.1", {"owner": "another"}),
        "staff-name": ("staff?id=eq.1&select=id,name", {"name": "new"}),
        "staff-wage": ("staff?id=eq.1&select=id", {"wage": 1}),
        "unknown-table": ("nothing?id=eq.1", {"a": 1}),
        "shown-domain": ("buoys?id=eq.1", {"colour": "#010203"}),
        "embedded-filter": ("ships?select=id,companies(name)&id=lt.3&companies.name=eq.x", {"built": 1}),
        "computed-filter": ("ships?full_title=eq.ferry Aurora&select=id", {"built": 1}),
        "partition-key": ("readings?sensor_id=eq.1&day=eq.2024-01-01", {"day": "2023-05-05"}),
    }
    found += [patch(f"update/{name}", target, body, prefer=_SEEN) for name, (target, body) in updates.items()]
    limited = {
        "no-filter": "notes",
        "no-filter-order": "notes?order=id",
        "limit": "notes?id=gt.0&limit=2&order=id",
        "limit-no-order": "notes?id=gt.0&limit=2",
        "limit-offset": "notes?id=gt.0&limit=1&offset=1&order=id",
        "limit-alone": "notes?limit=1&order=id",
        "order": "notes?id=gt.0&order=id.desc",
        "order-unknown": "notes?id=gt.0&order=nothing",
    }
    found += [patch(f"update/{name}", target, {"text": "new"}, prefer=_SEEN) for name, target in limited.items()]
    found += [delete(f"delete/{name}", target, prefer=_SEEN) for name, target in limited.items()]
    deletes = {
        "select": "notes?id=eq.1&select=text",
        "select-embedded": "ship_registers?ship_id=eq.1&select=number,ships(name)",
        "referenced": "companies?id=eq.1",
        "tree": "notes?or=(id.eq.1,id.eq.3)",
        "unknown-filter": "notes?nothing=eq.1",
        "unknown-table": "nothing?id=eq.1",
        "grouped-view": "fleet_sizes?company_id=eq.1",
        "policy-other": "diaries?id=eq.2",
        "policy-own": "diaries?id=eq.1",
        "vault": "vault?id=eq.1",
        "view": "writable_notes?id=eq.1",
        "keyless": "keyless?a=eq.1",
    }
    found += [delete(f"delete/{name}", target, prefer=_SEEN) for name, target in deletes.items()]
    some = "notes?priority=eq.2"
    preferences = {
        "count": "count=exact",
        "count-seen": "count=exact, return=representation",
        "max-affected": "handling=strict, max-affected=1",
        "max-affected-enough": "handling=strict, max-affected=2, return=representation",
        "max-affected-lenient": "handling=lenient, max-affected=1",
        "missing-default": "missing=default, return=representation",
    }
    found += [patch(f"update/{name}", some, {"text": "new"}, prefer=text) for name, text in preferences.items()]
    found += [delete(f"delete/{name}", some, prefer=text) for name, text in preferences.items()]
    return [
        *found,
        patch("update/object", "notes?id=eq.1", {"text": "new"}, prefer=_SEEN, accept=OBJECT),
        patch("update/object-two", some, {"text": "new"}, prefer=_SEEN, accept=OBJECT),
        patch("update/object-none", "notes?id=eq.0", {"text": "new"}, prefer=_SEEN, accept=OBJECT),
        patch("update/csv-answer", some, {"text": "new"}, prefer=_SEEN, accept="text/csv"),
        patch("update/range", some, {"text": "new"}, prefer=_SEEN, range="0-0"),
        delete("delete/object", "notes?id=eq.1", prefer=_SEEN, accept=OBJECT),
        delete("delete/object-two", some, prefer=_SEEN, accept=OBJECT),
        delete("delete/csv-answer", some, prefer=_SEEN, accept="text/csv"),
        delete("delete/with-body", "notes?id=eq.1", prefer=_SEEN, body={"ignored": 1}),
        case("write/commit", "PATCH", "notes?id=eq.0", body={"text": "x"}, prefer="tx=commit"),
        case("write/no-preference", "PATCH", "notes?id=eq.0", body={"text": "x"}),
        get("write/nothing-remains", "notes?order=id"),
    ]


CASES = _changed()
