"""What a tenant's functions raise is theirs to say; what the server has is not told."""

import pytest

from tests.hostile.viewer_token.conftest import Viewer

RAISE = """CREATE FUNCTION complain(code text) RETURNS void LANGUAGE plpgsql STABLE AS
    $$BEGIN RAISE EXCEPTION USING ERRCODE = code, MESSAGE = 'Not enough stock', HINT = 'Order less'; END$$"""


@pytest.fixture(autouse=True, scope="module")
def functions(viewer: Viewer) -> None:
    viewer.run(RAISE)


@pytest.mark.parametrize(
    ("code", "status"),
    [("ST001", 400), ("U0001", 400), ("99999", 400), ("28P01", 403), ("28000", 403), ("P0001", 400), ("PT409", 409)],
)
def test_codes_of_a_functions_own_are_told(viewer: Viewer, code: str, status: int) -> None:
    """A wrong password that a function speaks of is no trouble with the database: nobody has to try again."""
    reply = viewer.get("rpc/complain", code=code)
    assert (reply.status, reply.json["code"]) == (status, code)
    assert (reply.json["message"], reply.json["hint"]) == ("Not enough stock", "Order less")
    assert "Retry-After" not in reply.headers


@pytest.mark.parametrize("code", ["08001", "08006", "53300", "57P01", "58030", "XX000", "HV000", "F0000"])
def test_troubles_of_the_server_are_not(viewer: Viewer, code: str) -> None:
    """Whoever reaches out from within a database may be told hosts and ports: those messages stay here."""
    reply = viewer.get("rpc/complain", code=code)
    assert reply.status >= 500
    assert "stock" not in reply.text
    assert "Order" not in reply.text
