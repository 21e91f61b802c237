"""What a tenant's functions raise is theirs to say; what the server has is not told."""

import pytest

from tests.hostile.viewer_token.conftest import Viewer
from tests.integration.conftest import request_event

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
        *[
            ("57014", 500),
            ("57P01", 500),
            ("57P03", 500),
            ("58030", 500),
            ("72000", 400),
            ("XX000", 500),
            ("HV000", 500),
        ],
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


SIGNALS = """
CREATE SEQUENCE calls;
GRANT USAGE ON SEQUENCE calls TO PUBLIC;
CREATE FUNCTION out_of_range(n bigint) RETURNS SETOF int LANGUAGE plpgsql AS
    $$BEGIN PERFORM nextval('calls'); RETURN NEXT get_bit(''::bytea, n); END$$;
CREATE FUNCTION inlined(n bigint) RETURNS int LANGUAGE sql STABLE AS $$SELECT get_bit(''::bytea, n)$$;
CREATE VIEW ranges AS SELECT get_byte(''::bytea, n) AS byte FROM generate_series(-7460008, -7460001) n;
GRANT SELECT ON ranges TO PUBLIC;
CREATE FUNCTION copied() RETURNS SETOF int LANGUAGE plpgsql AS $$DECLARE n text; BEGIN
    PERFORM nextval('calls');
    FOREACH n IN ARRAY ARRAY(SELECT m[1] FROM regexp_matches(current_query(), '''''::bytea, (\\d+)', 'g') m) LOOP
        RETURN NEXT get_bit(''::bytea, n::bigint);
    END LOOP;
END$$;
CREATE FUNCTION counted(code text) RETURNS void LANGUAGE plpgsql AS
    $$BEGIN PERFORM nextval('calls'); RAISE EXCEPTION USING ERRCODE = code, MESSAGE = 'Its own'; END$$;
CREATE FUNCTION lost() RETURNS void LANGUAGE plpgsql AS
    $$BEGIN PERFORM nextval('calls'); EXECUTE 'EXECUTE nothing_like_it'; END$$;
"""
NUMBERS = [*range(-7_460_008, -7_460_000), -1, 0, 1, 7, 2**31, 2**62]


@pytest.fixture(scope="module")
def signalling(viewer: Viewer) -> Viewer:
    viewer.run(SIGNALS)
    viewer.run("NOTIFY pgrst, 'reload schema'")
    return viewer


def _calls(viewer: Viewer) -> int:
    return int(viewer.run("SELECT nextval('calls')")[0][0])


@pytest.mark.parametrize("number", NUMBERS)
def test_an_index_out_of_range_is_no_signal_of_ours(signalling: Viewer, number: int) -> None:
    """Whatever the number: it is told as it is, at once, also where one row was asked for."""
    before = _calls(signalling)
    for accept in ("application/json", "application/vnd.pgrst.object+json"):
        event_headers = {"Accept": [accept], "Prefer": ["handling=strict,max-affected=3"]}
        event = request_event(signalling.tenant, "POST", "", role="editor", body={"n": number}, prefer="", query={}) | {
            "pathParameters": {"function": "out_of_range"},
            "multiValueHeaders": event_headers,
        }
        reply = signalling.send(event)
        assert (reply.status, reply.json["code"]) == (400, "2202E")
        assert str(number) in reply.json["message"]
    assert _calls(signalling) == before + 3
    inlined = signalling.get("rpc/inlined", n=str(number))
    assert (inlined.status, inlined.json["code"]) == (400, "2202E")


def test_nor_is_one_in_a_view(signalling: Viewer) -> None:
    reply = signalling.get("ranges")
    assert (reply.status, reply.json["code"]) == (400, "2202E")


def test_nor_is_a_number_of_ours_within_a_function(signalling: Viewer) -> None:
    before = _calls(signalling)
    reply = signalling.call("copied", {}, role="editor")
    assert (reply.status, reply.json["code"]) == (400, "2202E")
    assert _calls(signalling) == before + 2


@pytest.mark.parametrize(
    ("code", "status"),
    [("53200", 413), ("26000", 400), ("22P02", 400), ("42P01", 404), ("42703", 400), ("25006", 405), ("2202E", 400)],
)
def test_what_a_function_raises_is_not_tried_again(signalling: Viewer, code: str, status: int) -> None:
    """Once is enough, the session stays, and the catalogue is not read for it."""
    assert signalling.call("counted", {"code": "P0001"}, role="editor").status == 400
    before, pid = _calls(signalling), signalling.pid()
    reply = signalling.call("counted", {"code": code}, role="editor")
    assert (reply.status, reply.json["code"]) == (status, code)
    assert (_calls(signalling), signalling.pid()) == (before + 2, pid)


def test_nor_is_a_statement_that_a_function_does_not_find(signalling: Viewer) -> None:
    assert signalling.call("counted", {"code": "P0001"}, role="editor").status == 400
    before = _calls(signalling)
    reply = signalling.call("lost", {}, role="editor")
    assert (reply.status, reply.json["code"]) == (400, "26000")
    assert _calls(signalling) == before + 2
