"""`Prefer: timezone`: names that the server knows, and nothing else that SET takes for a time zone."""

from typing import Any

import pytest

from handlers import query_tenant
from tests.integration.conftest import Reply, World, request_event

NOON = "CREATE VIEW noon AS SELECT timestamptz '2026-01-01T12:00:00Z' AS at, current_setting('timezone') AS zone"
ODD = [
    *["+05:30", "-5", "5", "5.5", "EST5", "UTC+3", "<+05>-5", "asia/kolkata", "ASIA/KOLKATA", "Nowhere/Town", "local"],
    *["default", "interval", "../etc/passwd", "/", "Asia/Kolkata'; --", "Asia/Kolkata ", "x" * 65],
]


@pytest.fixture(scope="module")
def noon(world: World) -> World:
    tenant = world.tenants[0]
    world.execute(NOON, tenant.value, f"{tenant}_owner")
    return world


def _get(world: World, prefer: str, method: str = "GET") -> Reply:
    event = request_event(world.tenants[0], method, "noon", role="editor", body=None, prefer=prefer, query={})
    answer = query_tenant.handler(event, None)
    return Reply(answer["statusCode"], answer["body"], answer["headers"])


@pytest.mark.parametrize(
    ("zone", "at"),
    [
        ("Asia/Kolkata", "2026-01-01T17:30:00+05:30"),
        ("America/Argentina/Buenos_Aires", "2026-01-01T09:00:00-03:00"),
        ("UTC", "2026-01-01T12:00:00+00:00"),
        ("EST5EDT", "2026-01-01T07:00:00-05:00"),
        ("Etc/GMT+5", "2026-01-01T07:00:00-05:00"),
    ],
)
def test_a_name_is_applied(noon: World, zone: str, at: str) -> None:
    """The first time and later ones, which the server is not asked before."""
    for _ in range(3):
        reply = _get(noon, f"timezone={zone}, handling=strict")
        assert reply.json == [{"at": at, "zone": zone}]
        assert reply.headers["Preference-Applied"] == f"handling=strict, timezone={zone}"


@pytest.mark.parametrize("zone", ODD)
def test_what_is_no_name_is_none_of_our_preferences(noon: World, zone: str) -> None:
    server = _get(noon, "").json
    for _ in range(2):
        strict = _get(noon, f"timezone={zone}, handling=strict")
        if zone != "Asia/Kolkata ":
            assert (strict.status, strict.json["code"]) == (400, "PGRST122")
            lenient = _get(noon, f"timezone={zone}")
            assert (lenient.status, lenient.json) == (200, server)
            assert "timezone" not in lenient.headers.get("Preference-Applied", "")


def test_every_name_that_the_server_has_may_be_asked_for(noon: World) -> None:
    rows = noon.execute("SELECT name FROM pg_timezone_names WHERE name !~ '^[A-Za-z][A-Za-z0-9_+/-]{0,63}$'")
    assert rows == []


def test_a_name_costs_no_round_trip(noon: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the first time: it is looked for in the message that uses it."""
    _get(noon, "")
    connection: Any = query_tenant._data_requests()._connections._connections[noon.tenants[0]]
    sent: list[Any] = []
    send = connection._send

    def count(*given: Any, **named: Any) -> Any:
        sent.append(given)
        return send(*given, **named)

    monkeypatch.setattr(connection, "_send", count)
    monkeypatch.setattr(connection, "read_json", sent.append)
    for times in (1, 2):
        assert _get(noon, "timezone=Asia/Tokyo").json[0]["at"] == "2026-01-01T21:00:00+09:00"
        assert len(sent) == times


def test_one_request_leaves_nothing_to_the_next(noon: World) -> None:
    before = _get(noon, "").json
    _get(noon, "timezone=Asia/Kolkata")
    assert _get(noon, "").json == before
