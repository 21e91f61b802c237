"""Bodies that are no UTF-8, or no text at all: they are kept as they were sent, or refused."""

import base64
from typing import Any

import pytest

from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import Reply, request_event

FUNCTIONS = """
CREATE TABLE said (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text);
CREATE FUNCTION same_bytes(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION keep_bytes(bytea) RETURNS int LANGUAGE sql AS
    'INSERT INTO said (body) VALUES (encode($1, ''hex'')); SELECT length($1)';
CREATE FUNCTION same_text(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION same_json(json) RETURNS json LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION named(body text) RETURNS text LANGUAGE sql AS 'SELECT body';
NOTIFY pgrst, 'reload schema';
"""
JSON, CSV, FORM, TEXT = "application/json", "text/csv", "application/x-www-form-urlencoded", "text/plain"
BYTES = "application/octet-stream"


@pytest.fixture(scope="module")
def editor(viewer: Viewer) -> Viewer:
    viewer.run(FUNCTIONS)
    return viewer


def _send(viewer: Viewer, path: str, body: bytes, kind: str, method: str = "POST") -> Reply:
    query = {"id": "gt.0"} if method == "PATCH" else {}
    event: dict[str, Any] = request_event(
        viewer.tenant, method, path, role="editor", body=None, prefer="return=representation", query=query
    )
    if path.startswith("rpc/"):
        event["pathParameters"] = {"function": path.removeprefix("rpc/")}
    if kind:
        event["multiValueHeaders"]["Content-Type"] = [kind]
    return viewer.send(event | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True})


@pytest.mark.parametrize(
    "body", [b"\x89PNG\xff\xfe", b"\0", bytes(range(256)), b"\\x41", "é".encode(), b"'; --", b"%s"]
)
def test_bytes_stay_what_they_are(editor: Viewer, body: bytes) -> None:
    assert _send(editor, "rpc/same_bytes", body, BYTES).json == f"\\x{body.hex()}"
    assert _send(editor, "rpc/keep_bytes", body, f"{BYTES}; charset=x").json == len(body)
    assert editor.run("SELECT body FROM said ORDER BY id DESC LIMIT 1") == [(body.hex(),)]


@pytest.mark.parametrize("raw", ["Müller".encode("latin-1"), b"\xff", b"\xed\xa0\xbd", "é".encode("utf-16")])
@pytest.mark.parametrize(
    ("path", "kind", "form"),
    [
        ("said", JSON, b'{"body": "%s"}'),
        ("said", "", b'{"body": "%s"}'),
        ("said", f"{JSON}; charset=iso-8859-1", b'[{"body": "%s"}]'),
        ("said", CSV, b"body\n%s\n"),
        ("said", FORM, b"body=%s"),
        ("rpc/same_json", JSON, b'{"a": "%s"}'),
        ("rpc/same_text", TEXT, b"%s"),
        ("rpc/named", JSON, b'{"body": "%s"}'),
        ("rpc/named", FORM, b"body=%s"),
    ],
)
def test_what_is_no_utf8_is_stored_nowhere(editor: Viewer, path: str, kind: str, form: bytes, raw: bytes) -> None:
    before = editor.run("SELECT count(*) FROM said")
    for method in ("POST", "PATCH") if path == "said" else ("POST",):
        reply = _send(editor, path, form % raw, kind, method)
        assert (reply.status, reply.json["code"]) == (400, "PGRST102"), reply.text
    assert editor.run("SELECT count(*) FROM said") == before


@pytest.mark.parametrize("field", [b"%ff", b"%fc", b"%ed%a0%bd"])
def test_neither_is_a_forms_field(editor: Viewer, field: bytes) -> None:
    for path in ("said", "rpc/named"):
        reply = _send(editor, path, b"body=" + field, FORM)
        assert (reply.status, reply.json["code"]) == (400, "PGRST102"), reply.text


def test_text_of_any_script_stays_what_it_is(editor: Viewer) -> None:
    for text in ("नमस्ते", "🙂", "é", "\ufffd"):
        assert _send(editor, "said", b'{"body": "%s"}' % text.encode(), JSON).json[0]["body"] == text
        assert _send(editor, "rpc/same_text", text.encode(), TEXT).json == text
