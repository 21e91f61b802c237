"""Bodies of a database's own that change behind a statement that was prepared, without any notice."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from handlers import query_tenant
from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import request_event

OCTETS = "application/octet-stream"
MAKE = r"""
CREATE TABLE papers (id int PRIMARY KEY, scan bytea);
INSERT INTO papers VALUES (1, '\x89ff'), (2, '\x00');
CREATE VIEW shown_papers AS SELECT id, scan FROM papers;
CREATE FUNCTION some_papers() RETURNS SETOF papers LANGUAGE sql STABLE AS $$SELECT * FROM papers$$;
CREATE FUNCTION a_scan() RETURNS bytea LANGUAGE sql STABLE AS $$SELECT '\x89ff'::bytea$$;
GRANT ALL ON papers, shown_papers TO PUBLIC;
"""
HANDLER = r"""
DROP DOMAIN IF EXISTS "text/of-papers" CASCADE;
CREATE DOMAIN "text/of-papers" AS {kind};
CREATE FUNCTION add_paper({kind}, papers) RETURNS {kind} LANGUAGE sql AS $$SELECT $1 || $2.id::text::{kind}$$;
CREATE FUNCTION end_papers({kind}) RETURNS "text/of-papers" LANGUAGE sql AS $$SELECT $1$$;
CREATE AGGREGATE gather_papers(papers)
    (SFUNC = add_paper, STYPE = {kind}, INITCOND = '\x', FINALFUNC = end_papers);
DROP FUNCTION IF EXISTS of_papers();
CREATE FUNCTION of_papers() RETURNS "text/of-papers" LANGUAGE sql STABLE AS $$SELECT '\x'::{kind}$$;
"""


@pytest.fixture
def papers(viewer: Viewer) -> Iterator[Viewer]:
    viewer.run(MAKE)
    viewer.run("NOTIFY pgrst, 'reload schema'")
    yield viewer
    viewer.run('DROP DOMAIN IF EXISTS "text/of-papers" CASCADE')
    viewer.run("DROP TABLE papers CASCADE; DROP FUNCTION IF EXISTS a_scan()")
    viewer.new_connection()


def _ask(viewer: Viewer, path: str, accept: str, method: str = "GET", body: Any = None, **query: str) -> Any:
    """Ask as an editor. :return: status, and body: bytes, a text, or an error's code."""
    event = request_event(viewer.tenant, method, path, role="editor", body=body, prefer="", query=query)
    if path.startswith("rpc/"):
        event["pathParameters"] = {"function": path.removeprefix("rpc/")}
    event["multiValueHeaders"] = {"Accept": [accept], "Prefer": ["return=representation,tx=rollback"]}
    answer = query_tenant.handler(event, None)
    if answer["statusCode"] >= 400:
        return answer["statusCode"], answer["body"].split('"')[3]
    text = base64.b64decode(answer["body"]) if answer.get("isBase64Encoded") else answer["body"]
    return answer["statusCode"], text


CHANGES = {
    "text": "ALTER TABLE papers ALTER scan TYPE text USING 'plain'",
    "escapes": r"ALTER TABLE papers ALTER scan TYPE text USING '\001'",
    "made anew": "ALTER TABLE papers DROP scan; ALTER TABLE papers ADD scan int DEFAULT 7",
    "a domain": "CREATE DOMAIN note AS text; ALTER TABLE papers ALTER scan TYPE note USING 'plain'",
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("path", ["papers", "rpc/some_papers"])
def test_a_column_that_has_no_bytes_any_more_is_not_read_as_bytes(papers: Viewer, path: str, change: str) -> None:
    asked = {"select": "scan", "id": "eq.1"}
    assert _ask(papers, path, OCTETS, **asked) == (200, b"\x89\xff")
    if path == "papers":
        assert _ask(papers, path, OCTETS, "PATCH", {"id": 5}, **asked) == (200, b"\x89\xff")
    papers.run(f"DROP VIEW shown_papers; DROP DOMAIN IF EXISTS note; {CHANGES[change]}")
    if path == "papers":
        assert _ask(papers, path, OCTETS, "PATCH", {"id": 5}, **asked) == (406, "PGRST107")
    assert _ask(papers, path, OCTETS, **asked) == (406, "PGRST107")
    assert _ask(papers, path, OCTETS, select="scan") == (406, "PGRST107")


def test_nor_is_a_view_or_a_value(papers: Viewer) -> None:
    assert _ask(papers, "shown_papers", OCTETS, select="scan", id="eq.1") == (200, b"\x89\xff")
    assert _ask(papers, "rpc/a_scan", OCTETS) == (200, b"\x89\xff")
    papers.run("DROP VIEW shown_papers; CREATE VIEW shown_papers AS SELECT id, 'plain' AS scan FROM papers")
    papers.run("GRANT SELECT ON shown_papers TO PUBLIC; DROP FUNCTION a_scan()")
    papers.run("CREATE FUNCTION a_scan() RETURNS text LANGUAGE sql STABLE AS $$SELECT 'plain'$$")
    assert _ask(papers, "shown_papers", OCTETS, select="scan", id="eq.1") == (406, "PGRST107")
    assert _ask(papers, "rpc/a_scan", OCTETS) == (406, "PGRST107")


@pytest.mark.parametrize("kinds", [("text", "bytea"), ("bytea", "text")])
@pytest.mark.parametrize("path", ["papers", "rpc/some_papers", "rpc/of_papers"])
def test_what_makes_a_body_is_looked_at_too(papers: Viewer, path: str, kinds: tuple[str, str]) -> None:
    """Its aggregate or function, and its domain, are made anew over the other of text and bytes."""
    expected = {"bytea": b"12", "text": r"\x12"} if path != "rpc/of_papers" else {"bytea": b"", "text": r"\x"}
    for kind in kinds:
        papers.run(HANDLER.format(kind=kind))
        if kind == kinds[0]:
            papers.run("NOTIFY pgrst, 'reload schema'")
        for _ in range(2):
            assert _ask(papers, path, "text/of-papers") == (200, expected[kind])
