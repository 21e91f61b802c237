"""No value is filled into a comment: with a line break in it, the rest of it would be SQL."""

from pathlib import Path

import pytest

from tenantry.database.sql_files import load_sql

ROOMS = Path("functions/tenantry")
NAMES = sorted(
    f"{file.parent.parent.relative_to(ROOMS)}/{file.stem}" for file in ROOMS.rglob("*.sql") if file.parent.name == "sql"
)


def test_there_are_files() -> None:
    assert len(NAMES) > 100


@pytest.mark.parametrize("name", NAMES)
def test_no_placeholder_stands_in_a_comment(name: str) -> None:
    for line in load_sql(name).string.splitlines():
        code, _, comment = line.partition("--")
        # A quote before it may mean that it is part of a text, which is nothing else to PostgreSQL.
        assert "'" in code or ("%(" not in comment and "{" not in comment), line


def test_the_first_comment_is_left_out() -> None:
    assert not load_sql("data_api/catalogue").string.lstrip().startswith("--")
