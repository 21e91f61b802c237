"""Regular expressions that PostgreSQL would write out to a hundred megabytes, and those that people write."""

import pytest

from tests.hostile.viewer_token.conftest import Viewer

COSTLY = {
    "long": "(" + "abcdefghij" * 300 + "){250}",
    "plus": "(" * 60 + "a" + "+)" * 60,
    "optional": "a?" * 5000,
    "empty": "(|a)" * 1000,
    "basic": r"(?b)\(\(\(a\{1,250\}\)\{1,250\}\)\{1,250\}\)",
    "director": r"***:(?ib)\(\(a\{250\}\)\{250\}\)",
    "expanded": "(?x)(((a{ 250 }){ 250 }){ 250 })",
    "comment": "(((a(?#){250})(?#){250})(?#){250})",
    "lazy": "(((a{250}?){250}?){250}?)",
    "bracket": "[]](((a{250}){250}){250})[]]",
    "unclosed": "[[:alpha:]{250}{250}{250}]{9}{250}{250}",
}
USEFUL = [
    "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    r"^\+?\d{1,3}( ?\d{2,4}){3,5}$",
    r"^([0-9]{1,3}\.){3}[0-9]{1,3}$",
    "Person .{0,255}",
    r"\({3}|[({]{2,3}|\{",
    "|".join(f"Person {number}" for number in range(900)),
    "(?i)person",
]


@pytest.mark.parametrize("pattern", COSTLY.values(), ids=COSTLY)
@pytest.mark.parametrize("operator", ["match", "not.imatch", "match(any)"])
def test_what_is_written_out_to_much_is_refused(viewer: Viewer, pattern: str, operator: str) -> None:
    """A pattern of a few letters would take a hundred megabytes to be read, in whichever dialect it is written."""
    escaped = pattern.replace("\\", "\\\\").replace("{", r"\{").replace("}", r"\}").replace("?", r"\?")
    value = "{x," + escaped + "}" if "any" in operator else pattern
    reply = viewer.get("light", name=f"{operator}.{value}", select="id")
    assert (reply.status, reply.json["code"]) == (400, "PGRST100"), reply.text


@pytest.mark.parametrize("pattern", USEFUL)
def test_what_people_write_is_not(viewer: Viewer, pattern: str) -> None:
    """Ids, numbers, addresses and lists of words are found."""
    assert viewer.get("light", name=f"match.{pattern}", select="id", limit="1").status == 200
