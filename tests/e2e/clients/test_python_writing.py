"""Writes by the Python client."""

from typing import Any

import pytest
from postgrest import CountMethod, ReturnMethod, SyncPostgrestClient

from tests.e2e.clients.python_calls import Case, Counted, Refused, ids, outcome, rpc

EXACT, MINIMAL = CountMethod.exact, ReturnMethod.minimal


def crates(db: SyncPostgrestClient) -> Any:
    return db.table("crates")


def stocks(db: SyncPostgrestClient) -> Any:
    return db.table("stocks")


def row(number: int, label: str, weight: int | None = 10, **others: Any) -> dict[str, Any]:
    return {"id": number, "label": label, "weight": weight, "contents": None, "ship_id": None} | others


# Each takes up what the one before has left; in the end nothing is.
CASES: list[Case] = [
    ("insert", lambda db: crates(db).insert({"id": 201, "label": "py-a"}), [row(201, "py-a")]),
    ("insert, minimal", lambda db: crates(db).insert({"id": 202, "label": "py-b"}, returning=MINIMAL), []),
    (
        "insert of many",
        lambda db: (
            crates(db)
            .insert([{"id": 203, "label": "py-c"}, {"id": 204, "label": "py-d", "weight": 4}])
            .select("weight")
        ),
        [{"weight": None}, {"weight": 4}],
    ),
    (
        "insert of many, with defaults",
        lambda db: (
            crates(db)
            .insert([{"id": 205, "label": "py-e"}, {"id": 206, "label": "py-f", "weight": 4}], default_to_null=False)
            .select("weight")
        ),
        [{"weight": 10}, {"weight": 4}],
    ),
    (
        "insert with a count",
        lambda db: crates(db).insert([{"label": "py-g"}, {"label": "py-h"}], count=EXACT, returning=MINIMAL),
        Counted([], 2),
    ),
    (
        "insert and embed",
        lambda db: crates(db).insert({"id": 207, "label": "py-i", "ship_id": 1}).select("ships(name)"),
        [{"ships": {"name": "Aurora"}}],
    ),
    ("insert of what is there", lambda db: crates(db).insert({"label": "py-a"}), Refused("23505")),
    ("insert without what must be", lambda db: crates(db).insert({"weight": 1}), Refused("23502")),
    (
        "insert for a ship that is not there",
        lambda db: crates(db).insert({"label": "py-x", "ship_id": 99}),
        Refused("23503"),
    ),
    (
        "upsert by insert",
        lambda db: crates(db).insert({"id": 201, "label": "py-a", "weight": 2}, upsert=True),
        [row(201, "py-a", 2)],
    ),
    ("upsert", lambda db: crates(db).upsert({"id": 201, "label": "py-a", "weight": 3}), [row(201, "py-a", 3)]),
    (
        "upsert by another key",
        lambda db: crates(db).upsert({"label": "py-b", "weight": 5}, on_conflict="label").select("id"),
        ids(202),
    ),
    (
        "upsert, duplicates ignored",
        lambda db: (
            crates(db)
            .upsert(
                [{"label": "py-b", "weight": 9}, {"label": "py-j", "weight": 1}],
                on_conflict="label",
                ignore_duplicates=True,
            )
            .select("label")
        ),
        [{"label": "py-j"}],
    ),
    (
        "upsert with a count",
        lambda db: stocks(db).upsert([{"port_id": 201, "item": "tea", "amount": 1}], count=EXACT, returning=MINIMAL),
        Counted([], 1),
    ),
    (
        "upsert with a key of two columns",
        lambda db: stocks(db).upsert({"port_id": 201, "item": "tea", "amount": 7}).select("amount"),
        [{"amount": 7}],
    ),
    ("update", lambda db: crates(db).update({"weight": 20}).eq("id", 201), [row(201, "py-a", 20)]),
    ("update, minimal", lambda db: crates(db).update({"weight": 21}, returning=MINIMAL).eq("id", 202), []),
    (
        "update with JSON",
        lambda db: crates(db).update({"contents": {"é": [1, None]}}).eq("id", 202).select("contents"),
        [{"contents": {"é": [1, None]}}],
    ),
    ("update of none", lambda db: crates(db).update({"weight": 1}).eq("id", 99), []),
    (
        "update with a count",
        lambda db: crates(db).update({"weight": 22}, count=EXACT, returning=MINIMAL).in_("id", [201, 202]),
        Counted([], 2),
    ),
    (
        "update of few enough",
        lambda db: crates(db).update({"weight": 23}).eq("id", 201).max_affected(1).select("weight"),
        [{"weight": 23}],
    ),
    (
        "update of too many",
        lambda db: crates(db).update({"weight": 24}).like("label", "py-%").max_affected(1),
        Refused("PGRST124"),
    ),
    ("none was updated", lambda db: crates(db).select("id").eq("weight", 24), []),
    ("call that writes", lambda db: rpc(db, "stow", {"label": "py-k", "weight": 3}).select("label"), {"label": "py-k"}),
    ("call that deletes", lambda db: rpc(db, "unload", {"labels": ["py-k"]}).select("label"), [{"label": "py-k"}]),
    ("delete of too many", lambda db: crates(db).delete().like("label", "py-%").max_affected(1), Refused("PGRST124")),
    ("delete", lambda db: crates(db).delete().eq("id", 203).select("id", "weight"), [{"id": 203, "weight": None}]),
    (
        "delete with a count",
        lambda db: crates(db).delete(count=EXACT, returning=MINIMAL).like("label", "py-%"),
        Counted([], 9),
    ),
    (
        "delete by two columns",
        lambda db: stocks(db).delete().match({"port_id": 201, "item": "tea"}).select("item"),
        [{"item": "tea"}],
    ),
    ("where only reading is let", lambda db: db.table("diary").insert({"id": 201, "author": "x"}), Refused("42501")),
]


def test_every_write_does_what_the_data_says(python_client: SyncPostgrestClient) -> None:
    failed = []
    for name, call, expected in CASES:
        got = outcome(python_client, call, expected)
        if got != expected:
            failed.append(f"{name}: got {got}, expected {expected}")
    if failed:
        pytest.fail(f"{len(failed)} of {len(CASES)}:\n" + "\n".join(failed))
