"""What a finding says of the differences between a home and what its revision makes."""

from tenantry.domain.fingerprint import Definition
from tenantry.reports.drift.judging_structure import describe_differences

ONE, OTHER = Definition("1"), Definition("2")
TABLE = {("table", "@.a"): ONE, ("column", "@.a.b"): ONE, ("constraint", "@.a.k"): ONE, ("column", "@.ab.b"): ONE}


def test_nothing_is_said_where_nothing_differs() -> None:
    assert describe_differences(TABLE, TABLE, "public") == ""


def test_what_is_part_of_something_missing_is_not_named_too() -> None:
    found = {("column", "@.ab.b"): ONE}
    assert describe_differences(TABLE, found, "acme") == "missing table acme.a"


def test_what_is_written_otherwise_only_is_changed() -> None:
    found = TABLE | {("column", "@.a.b"): Definition("1", "3")}
    assert describe_differences(TABLE, found, "public") == "changed column public.a.b"


def test_ten_differences_are_named_and_the_others_counted() -> None:
    reference = {("index", f"@.i{number:02}"): ONE for number in range(30)}
    told = describe_differences(reference, {}, "public", [("table", "@.x")], 5)
    assert told.count("missing index") == 10
    assert told.endswith(", missing index public.i09, and 26 more")


def test_a_name_is_printed_safely_and_not_whole() -> None:
    name = '@."\x1b[31m' + "x" * 1000
    told = describe_differences({("view", name): ONE}, {("view", name): OTHER}, "public")
    assert told.startswith('changed view public."\\x1b[31mxxx')
    assert told.endswith("...")
    assert len(told) < 200
