"""What a tenant's functions raise is theirs to say; what the server has is not told."""

import pytest

from tests.hostile.viewer_token.conftest import Viewer

RAISE = """
CREATE FUNCTION complain(code text) RETURNS void LANGUAGE plpgsql STABLE AS $$BEGIN
    RAISE EXCEPTION USING ERRCODE = code, MESSAGE = 'Not enough stock', DETAIL = 'Two', HINT = 'Order less';
END$$;
CREATE TABLE stock (id int CONSTRAINT positive CHECK (id > 0));
CREATE FUNCTION refuse_stock() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE EXCEPTION 'No room for %', NEW.id USING ERRCODE = 'ROOM1', HINT = 'Sell some'; END$$;
CREATE TRIGGER refuse_stock BEFORE INSERT ON stock FOR EACH ROW WHEN (NEW.id = 7) EXECUTE FUNCTION refuse_stock();
"""


@pytest.fixture(autouse=True, scope="module")
def functions(viewer: Viewer) -> None:
    viewer.run(RAISE)
    viewer.run("NOTIFY pgrst, 'reload schema'")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        *[(code, 400) for code in ("ST001", "U0001", "99999", "P0001", "01000", "02000", "20000", "22012", "34000")],
        *[("3D000", 400), ("3F000", 400), ("23514", 400), ("23505", 409), ("42501", 403)],
        *[("28P01", 403), ("28000", 403), ("25006", 405), ("40001", 500), ("54000", 500), ("55P03", 500)],
        *[("PT409", 409), ("PT503", 503), ("PT999", 400)],
    ],
)
def test_codes_of_a_functions_own_are_told(viewer: Viewer, code: str, status: int) -> None:
    """A wrong password that a function speaks of is no trouble with the database: nobody has to try again."""
    for method in ("GET", "POST"):
        reply = viewer.call("complain", {"code": code}, method)
        assert (reply.status, reply.json["code"]) == (status, code)
        assert reply.json["message"] == "Not enough stock"
        assert (reply.json["details"], reply.json["hint"]) == ("Two", "Order less")
        assert "Retry-After" not in reply.headers


@pytest.mark.parametrize(
    ("code", "status"),
    [
        *[("08001", 503), ("08006", 503), ("53100", 503), ("53300", 503), ("53400", 500)],
        *[("57P01", 500), ("57P03", 500), ("58030", 500), ("72000", 400), ("XX000", 500), ("HV000", 500)],
        *[("F0000", 500), ("26000", 400), ("54001", 400)],
    ],
)
def test_troubles_of_the_server_are_not(viewer: Viewer, code: str, status: int) -> None:
    """Whoever reaches out from within a database may be told hosts and ports: those messages stay here.

    The session goes on, so nobody is told that the database can't be reached.
    """
    pid = viewer.pid()
    reply = viewer.call("complain", {"code": code}, "GET")
    assert (reply.status, reply.json["code"]) == (status, code)
    assert not [word for word in ("stock", "Two", "Order", "reached") if word in reply.text]
    assert "Retry-After" not in reply.headers
    assert viewer.pid() == pid


def test_triggers_and_checks_speak_too(viewer: Viewer) -> None:
    raised = viewer.write("POST", "stock", {"id": 7})
    assert (raised.status, raised.json["code"], raised.json["hint"]) == (400, "ROOM1", "Sell some")
    assert raised.json["message"] == "No room for 7"
    refused = viewer.write("POST", "stock", {"id": -1})
    assert (refused.status, refused.json["code"]) == (400, "23514")
    assert 'violates check constraint "positive"' in refused.json["message"]
