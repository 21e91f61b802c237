"""The columns of views that show a table's columns."""

from tenantry.postgrest.catalogue.model import Name
from tenantry.postgrest.catalogue.view_columns import Shown, ViewColumn, shown_columns


def shown(*lines: str) -> Shown:
    """Read `view.column table.column` from each line."""
    columns = []
    for line in lines:
        view, column, table, origin = line.replace(".", " ").split()
        columns.append(ViewColumn(Name("s", view), column, Name("s", table), origin))
    return shown_columns(columns)


T, V, W, X = (Name("s", name) for name in "tvwx")


def test_columns_are_told_in_the_order_of_the_view() -> None:
    assert shown("v.c t.a", "v.b t.a", "v.d t.z") == {T: {V: {"a": ["c", "b"], "z": ["d"]}}}


def test_views_on_views_show_the_table_and_each_other() -> None:
    assert shown("x.d w.c", "w.c v.b", "v.b t.a") == {
        W: {X: {"c": ["d"]}},
        V: {X: {"b": ["d"]}, W: {"b": ["c"]}},
        T: {X: {"a": ["d"]}, W: {"a": ["c"]}, V: {"a": ["b"]}},
    }


def test_views_in_a_ring_come_to_an_end() -> None:
    assert shown("v.a w.a", "w.a v.a") == {W: {V: {"a": ["a"]}}, V: {W: {"a": ["a"]}}}
