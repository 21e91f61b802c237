"""CSV that is long, or is none."""

from typing import Any

import pytest

from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import clear_caches, request_event


def _post(viewer: Viewer, text: str) -> Any:
    event = request_event(viewer.tenant, "POST", "light", role="editor", body=text, prefer="tx=rollback", query={})
    event["multiValueHeaders"]["Content-Type"] = ["text/csv"]
    return viewer.send(event)


@pytest.mark.parametrize("length", [131_072, 131_073, 900_000])
def test_a_field_may_be_as_long_as_a_body(viewer: Viewer, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    """Python's reader stops at 131,072 characters."""
    monkeypatch.setenv("MAX_BODY_BYTES", "1000000")
    viewer.new_connection()
    clear_caches()
    assert _post(viewer, f"id,name\n5000,{'x' * length}\n").status == 201
    viewer.new_connection()
    monkeypatch.undo()
    clear_caches()


@pytest.mark.parametrize(
    "text",
    [
        'id,name\n5000,"x"y\n',
        'id,name\n5000,x"y\n',
        'id,name\n5000, "x"\n',
        'id,name\n5000,"x\n',
        "id,name,name\n5000,x,y\n",
        'id,name\n5000,"x" \n',
        'id,na"me\n5000,x\n',
    ],
)
def test_what_is_no_csv_is_refused(viewer: Viewer, text: str) -> None:
    """It is not stored as something else."""
    reply = _post(viewer, text)
    assert (reply.status, reply.json["code"]) == (400, "PGRST102"), reply.text
