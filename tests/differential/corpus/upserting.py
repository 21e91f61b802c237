"""Upserts, and PUT of one row."""

from tests.differential.cases import Case, post, put
from tests.differential.corpus.forms import OBJECT

_SEEN = "return=representation"


def _upserted() -> list[Case]:
    merge, ignore = "resolution=merge-duplicates", "resolution=ignore-duplicates"
    old, new = {"code": "A", "quantity": 50}, {"code": "N", "quantity": 60}
    found = []
    for name, preference in (("merge", merge), ("ignore", ignore)):
        seen = f"{preference}, {_SEEN}"
        found += [
            post(f"upsert/{name}-old", "stock", old, prefer=seen),
            post(f"upsert/{name}-new", "stock", new, prefer=seen),
            post(f"upsert/{name}-both", "stock", [old, new], prefer=seen),
            post(f"upsert/{name}-old-minimal", "stock", old, prefer=preference),
            post(f"upsert/{name}-old-headers", "stock", old, prefer=f"{preference}, return=headers-only"),
            post(f"upsert/{name}-on-unique", "stock?on_conflict=label", {"code": "Z", "label": "apples"}, prefer=seen),
            post(f"upsert/{name}-on-nothing", "stock?on_conflict=quantity", old, prefer=seen),
            post(f"upsert/{name}-on-unknown", "stock?on_conflict=nothing", old, prefer=seen),
            post(f"upsert/{name}-on-empty", "stock?on_conflict=", old, prefer=seen),
            post(f"upsert/{name}-two-keys", "offers", {"harbour_id": 1, "kind": "tug", "price": 9}, prefer=seen),
            post(
                f"upsert/{name}-on-two",
                "offers?on_conflict=harbour_id,kind",
                {"harbour_id": 1, "kind": "tug", "price": 9},
                prefer=seen,
            ),
            post(
                f"upsert/{name}-columns",
                "offers?columns=harbour_id,kind,price",
                {"harbour_id": 1, "kind": "tug", "price": 9},
                prefer=seen,
            ),
            post(f"upsert/{name}-only-key", "stock", {"code": "A"}, prefer=seen),
            post(f"upsert/{name}-keyless", "keyless", {"a": 1, "b": "x"}, prefer=seen),
            post(f"upsert/{name}-view", "writable_notes?on_conflict=id", {"id": 1, "text": "new"}, prefer=seen),
            post(f"upsert/{name}-view-no-target", "writable_notes", {"id": 1, "text": "new"}, prefer=seen),
            post(f"upsert/{name}-no-key", "notes", {"text": "new"}, prefer=seen),
            post(f"upsert/{name}-same-twice", "stock", [old, old], prefer=seen),
            post(f"upsert/{name}-empty", "stock", [], prefer=seen),
            post(f"upsert/{name}-policy", "diaries", {"id": 2, "text": "taken"}, prefer=seen),
            post(
                f"upsert/{name}-missing-default",
                "offers?columns=harbour_id,kind,comment",
                {"harbour_id": 1, "kind": "tug"},
                prefer=f"missing=default, {seen}",
            ),
            post(f"upsert/{name}-count", "stock", [old, new], prefer=f"{seen}, count=exact"),
        ]
    return [
        *found,
        post("upsert/no-resolution", "stock?on_conflict=code", old, prefer=_SEEN),
        put("upsert/put-old", "stock?code=eq.A", {"code": "A", "label": "apples", "quantity": 51}, prefer=_SEEN),
        put("upsert/put-new", "stock?code=eq.M", {"code": "M", "label": "m", "quantity": 51}, prefer=_SEEN),
        put("upsert/put-plain", "stock?code=eq.A", {"code": "A", "label": "apples", "quantity": 51}),
        put("upsert/put-new-plain", "stock?code=eq.M", {"code": "M", "label": "m", "quantity": 51}),
        put(
            "upsert/put-two-keys",
            "offers?harbour_id=eq.1&kind=eq.tug",
            {"harbour_id": 1, "kind": "tug", "price": 1, "comment": "c"},
            prefer=_SEEN,
        ),
        put("upsert/put-some-columns", "stock?code=eq.A", {"code": "A"}, prefer=_SEEN),
        put("upsert/put-other-key", "stock?code=eq.A", {"code": "B", "label": "x", "quantity": 1}),
        put("upsert/put-no-filter", "stock", {"code": "A", "label": "x", "quantity": 1}),
        put("upsert/put-other-filter", "stock?label=eq.apples", {"code": "A", "label": "x", "quantity": 1}),
        put("upsert/put-other-operator", "stock?code=gt.A", {"code": "A", "label": "x", "quantity": 1}),
        put("upsert/put-more-filters", "stock?code=eq.A&quantity=eq.5", {"code": "A", "label": "x", "quantity": 1}),
        put("upsert/put-half-key", "offers?harbour_id=eq.1", {"harbour_id": 1, "kind": "tug", "price": 1}),
        put("upsert/put-tree", "stock?or=(code.eq.A)", {"code": "A", "label": "x", "quantity": 1}),
        put("upsert/put-limit", "stock?code=eq.A&limit=1", {"code": "A", "label": "x", "quantity": 1}),
        put(
            "upsert/put-two-rows",
            "stock?code=eq.A",
            [{"code": "A", "label": "x", "quantity": 1}, {"code": "B", "label": "y", "quantity": 2}],
        ),
        put("upsert/put-empty", "stock?code=eq.A", {}),
        put("upsert/put-keyless", "keyless?a=eq.1", {"a": 1, "b": "y"}),
        put(
            "upsert/put-object",
            "stock?code=eq.A",
            {"code": "A", "label": "x", "quantity": 1},
            prefer=_SEEN,
            accept=OBJECT,
        ),
        put("upsert/put-range", "stock?code=eq.A", {"code": "A", "label": "x", "quantity": 1}, range="0-5"),
    ]


CASES = _upserted()
