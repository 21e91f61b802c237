"""Casts come as soon as what they need is there, and never before."""

from tenantry.contents.cast_order import Stage, cast_stages
from tenantry.domain.surroundings import Cast

TEXT = ("pg_catalog", "text")
ENTRIES = [
    (7, "ENCODING - ENCODING "),
    (10, "TYPE acme pair acme_owner"),
    (11, "DOMAIN acme pairs acme_owner"),
    (12, "FUNCTION acme total(acme.pair) acme_owner"),
    (13, "FUNCTION acme totals() acme_owner"),
    (14, "VIEW acme shown acme_owner"),
    (15, "FUNCTION acme of_row(acme.shown) acme_owner"),
]


def cast(source: str, function: str | None = None) -> Cast:
    return Cast((None, source), TEXT, "f" if function else "i", "e", (None, function) if function else None)


def test_each_follows_the_last_that_it_needs() -> None:
    by_text, by_function, of_row = cast("pair"), cast("pair", "total"), cast("shown", "of_row")
    assert cast_stages(ENTRIES, [of_row, by_function, by_text], "acme") == [
        Stage([7], []),
        Stage([10], [by_text]),
        Stage([11, 12], [by_function]),
        Stage([13, 14, 15], [of_row]),
    ]


def test_an_array_waits_for_its_elements_and_an_unknown_type_for_nothing() -> None:
    of_array, of_others = cast("_pair"), Cast(("elsewhere", "pair"), TEXT, "i", "e")
    assert cast_stages(ENTRIES, [of_array, of_others], "acme")[:2] == [Stage([7], [of_others]), Stage([10], [of_array])]


def test_every_entry_is_in_one_stage_where_there_are_no_casts() -> None:
    numbers = [number for stage in cast_stages(ENTRIES, [], "acme") for number in stage.numbers]
    assert numbers == [number for number, _ in ENTRIES]


def test_names_are_found_as_a_list_has_them_in_one_line() -> None:
    entries = [
        (7, "ENCODING - ENCODING "),
        (10, "TYPE acme two lines o"),
        (12, "FUNCTION acme the other(acme.x) o"),
        (13, "-"),
    ]
    of_lines = Cast((None, "two\nlines"), TEXT, "f", "e", (None, "the\rother"))
    assert cast_stages(entries, [of_lines], "acme") == [Stage([7], []), Stage([10, 12], [of_lines]), Stage([13], [])]
