"""Lists of the operators' API: whole when paged through, filtered by the server, and bounded whatever is asked for."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handlers import administer_tenants
from handlers.routes.cursors import write_cursor
from handlers.wiring import services as wiring
from tenantry.domain.paging import MOST
from tenantry.rollouts.ledger import Ledger
from tenantry.rollouts.planning import RolloutOrder, new_rollout
from tenantry.rollouts.rollout import Entry, EntryState, Rules, Wave
from tenantry.rollouts.rollout_store import RolloutStore
from tests.unit.handlers.lists import MARCH, TABLE, TENANTS, Desk, entry, operation, registry, tenant

NAMES = sorted(tenant(number)[1] for number in range(TENANTS))
LISTS = (
    *("/tenants", "/servers", "/tenants/acme/backups", "/tenants/acme/certificates", "/operations", "/audit"),
    *("/rollouts", "/rollouts/01J00000000000000000000000/tenants", "/reports/pgadmin"),
)


@pytest.fixture(scope="module")
def full() -> Iterator[Desk]:
    with registry() as desk:
        yield desk


@pytest.fixture
def desk(full: Desk) -> Desk:
    full.reads.clear()
    return full


def ids(items: list[Any]) -> list[str]:
    return [one["tenant_id"] for one in items]


@pytest.mark.parametrize(("limit", "pages"), [("1000", 3), ("250", 10)])
def test_all_tenants_are_shown_once_and_in_order(desk: Desk, limit: str, pages: int) -> None:
    found = list(desk.pages("/tenants", limit=limit))
    assert ids([one for page in found for one in page]) == NAMES
    assert len(found) == pages
    assert max(desk.reads) <= int(limit) + 1


def test_a_page_has_a_hundred_items_unless_it_is_told_otherwise(desk: Desk) -> None:
    assert ids(next(desk.pages("/tenants"))) == NAMES[:100]
    assert desk.reads == [101]


def plan(shown: Any) -> str:
    return str(shown["limits"]["plan"])


FILTERS: dict[tuple[str, str], Callable[[Any], bool]] = {
    ("status", "suspended"): lambda one: one["status"] == "suspended",
    ("status", "erasing"): lambda _: False,
    ("server", "s-3x"): lambda one: one["server_id"] == "s-3x",
    ("server", "s-3"): lambda _: False,
    ("isolation", "pooled"): lambda one: one["isolation"] == "pooled",
    ("region", "us-east-1"): lambda one: one["region"] == "us-east-1",
    ("plan", "free"): lambda one: plan(one) == "free",
    ("plan", "standard"): lambda one: plan(one) == "standard",
    ("prefix", "beta-0"): lambda one: one["tenant_id"].startswith("beta-0"),
    ("prefix", "acme-00010"): lambda one: one["tenant_id"] == "acme-00010",
}


@pytest.fixture(scope="module")
def everybody(full: Desk) -> list[Any]:
    return full.all("/tenants", limit="1000")


@pytest.mark.parametrize(("name", "value"), FILTERS)
def test_a_filter_shows_those_that_it_fits_and_reads_no_more_than_a_thousand(
    desk: Desk, everybody: list[Any], name: str, value: str
) -> None:
    expected = [one for one in everybody if FILTERS[name, value](one)]
    assert desk.all("/tenants", **{name: value}) == expected
    assert max(desk.reads) <= MOST


def test_filters_are_combined(desk: Desk, everybody: list[Any]) -> None:
    wanted = {"status": "active", "isolation": "schema", "plan": "standard", "prefix": "acme"}
    expected = [
        one
        for one in everybody
        if (one["status"], one["isolation"], plan(one)) == ("active", "schema", "standard")
        and one["tenant_id"].startswith("acme")
    ]
    assert expected
    assert desk.all("/tenants", **wanted) == expected


def test_a_prefix_reads_its_part_only(desk: Desk) -> None:
    assert len(desk.all("/tenants", prefix="beta-0001")) == 5
    assert sum(desk.reads) == 5


def test_what_is_made_and_erased_meanwhile_moves_nobody_else(desk: Desk) -> None:
    pages = desk.pages("/tenants", limit="500")
    found = ids(next(pages))
    # The one that the cursor stands on, one before it, and one behind it.
    gone = [found[-1], found[3], NAMES[650]]
    for name in gone:
        desk.delete("TENANT", name)
    made = [("TENANT", name, tenant(1)[2]) for name in ("acme-00000a", f"{NAMES[700]}a", "zebra")]
    desk.put(made)
    try:
        found += [name for page in pages for name in ids(page)]
        assert len({*found}) == len(found)
        assert {*found} == {*NAMES, f"{NAMES[700]}a", "zebra"} - {NAMES[650]}
    finally:
        for _, name, _ in made:
            desk.delete("TENANT", name)
        desk.put(tenant(int(name[-5:])) for name in gone)


def cursor(desk: Desk, path: str = "/tenants", **query: str) -> str:
    status, answer = desk.call(path, limit="1", **query)
    assert status == 200
    return str(answer["next"])


def test_a_cursor_of_another_list_or_other_filters_is_refused(desk: Desk) -> None:
    mine = cursor(desk, status="active")
    assert desk.call("/tenants", status="active", cursor=mine)[0] == 200
    for path, query in (
        ("/tenants", {}),
        ("/tenants", {"status": "suspended"}),
        ("/tenants", {"status": "active", "plan": "free"}),
        ("/servers", {"status": "active"}),
        ("/operations", {}),
        ("/audit", {}),
        ("/tenants/acme/backups", {}),
    ):
        assert desk.refusal(path, **query, cursor=mine) == "invalid_cursor"


@pytest.mark.parametrize("text", ["x", "AAAA", "=", "%00", "é", "A" * 5_000, "null", base64.b64encode(b"{}").decode()])
@pytest.mark.parametrize("path", LISTS)
def test_what_is_no_cursor_is_refused(desk: Desk, path: str, text: str) -> None:
    status, answer = desk.call(path, cursor=text)
    if status == 404:  # the rollout, which is looked up first
        assert answer["code"] == "rollout_unknown"
    else:
        assert (status, answer["code"]) == (400, "invalid_cursor")
    assert desk.reads == []


@pytest.mark.parametrize("position", ["", "\0", "LEASE", "~", "~~", "tenant#3", "01J0", "é", "{" * 400])
def test_a_forged_cursor_leads_nowhere_else(desk: Desk, position: str) -> None:
    """Who knows how cursors are written can begin anywhere in the list, and in nothing else."""
    for path in ("/tenants", "/operations", "/audit", "/servers", "/tenants/acme/certificates", "/reports/pgadmin"):
        forged = write_cursor(f"/admin/v1{path}", {}, position)
        status, answer = desk.call(path, cursor=forged, limit="1000")
        if status == 200:
            assert path in {"/tenants", "/servers"}
            assert {one["tenant_id"] for one in answer["items"]} <= {*NAMES}
        else:
            assert (status, answer["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "1.5", "1e2", "x", "٣", " 5", "9" * 5_000])
@pytest.mark.parametrize("path", [path for path in LISTS if "rollouts/" not in path])
def test_a_limit_is_a_number_of_items(desk: Desk, path: str, limit: str) -> None:
    assert desk.refusal(path, limit=limit) == "invalid_parameter"
    assert desk.reads == []


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/tenants", "status", "alive"),
        ("/tenants", "plan", "gold"),
        ("/tenants", "plan", '"'),
        ("/tenants", "isolation", "Schema"),
        ("/servers", "status", "erasing"),
        ("/operations", "status", "begun"),
        ("/operations", "since", "yesterday"),
        ("/operations", "until", "2026-13-01"),
        ("/operations", "since", "0001-01-01T00:00:00+23:59"),
        ("/operations", "until", "9999-12-31"),
        ("/audit", "since", "2026-11-30T10:00:00 05:30"),
        ("/audit", "until", "0001-01-01"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(desk: Desk, path: str, name: str, value: str) -> None:
    assert desk.refusal(path, **{name: value}) == "invalid_parameter"


def routes() -> list[tuple[str, str]]:
    app = administer_tenants.app
    return sorted(
        {
            (route.method, route.openapi_path.replace("<", "{").replace(">", "}"))
            for route in (*app._static_routes, *app._dynamic_routes)
        }
    )


@pytest.mark.parametrize(("method", "path"), routes())
def test_no_route_overlooks_a_parameter(desk: Desk, method: str, path: str) -> None:
    """`POST …/retention?dry_run=true` deleted."""
    named = path.removeprefix("/admin/v1").replace("{tenant_id}", "acme").replace("{backup_id}", "x")
    named = named.replace("{server_id}", "first").replace("{operation_id}", "x").replace("{rollout_id}", "x")
    for name in ("dry_run", "after", "Limit", "status ", ""):
        assert desk.refusal(named, method, **{name: "1"}) == "unknown_parameter"


def test_a_parameter_is_given_once(desk: Desk) -> None:
    event = {
        "path": "/admin/v1/tenants",
        "httpMethod": "GET",
        "headers": {},
        "queryStringParameters": {"status": "active"},
        "multiValueQueryStringParameters": {"status": ["suspended", "active"]},
        "requestContext": {"authorizer": {"role": "operator", "userId": "op-1"}},
    }
    answer = administer_tenants.handler(event, None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (400, "invalid_parameter")


def test_operations_are_shown_newest_first_by_what_they_are_and_when(desk: Desk) -> None:
    made = [operation(number) for number in reversed(range(300))]
    day = (MARCH + timedelta(days=3)).isoformat()
    for query, fits in (
        ({}, lambda _: True),
        ({"kind": "move_tenant"}, lambda one: one["kind"] == "move_tenant"),
        ({"status": "failed"}, lambda one: one["status"] == "failed"),
        ({"since": day}, lambda one: one["requested_at"] >= day),
        ({"until": day}, lambda one: one["requested_at"] < day),
        ({"target": made[0][2]["target"], "status": "failed"}, lambda one: one["target"] == made[0][2]["target"]),
    ):
        expected = [name for _, name, one in made if fits(one) and query.get("status", one["status"]) == one["status"]]
        found = desk.all("/operations", limit="90", **query)
        assert [one["operation_id"] for one in found] == expected
        assert expected


def test_what_happened_to_one_thing_is_found_without_reading_the_rest(desk: Desk) -> None:
    target = operation(0)[2]["target"]
    found = desk.all("/operations", target=target)
    assert [one["operation_id"] for one in found] == [operation(number)[1] for number in range(290, -1, -10)]
    assert all("next" in one for one in found)
    # The index has the trail's entries about the same tenant, too.
    assert sum(desk.reads) == len(found) + 100


def test_the_tenants_of_failed_operations_are_looked_up_together(desk: Desk) -> None:
    calls: list[str] = []
    events: Any = wiring.services().lists._dynamodb.meta.events
    for call in ("GetItem", "BatchGetItem"):
        events.register(f"before-call.dynamodb.{call}", lambda model, **_: calls.append(model.name))
    shown = desk.all("/operations", status="failed", limit="1000")
    assert len(shown) == 100
    assert {one["next"][0]["meaning"] for one in shown} == {"nothing to do", "repeat"}
    assert calls == ["BatchGetItem"]


def test_the_trail_of_a_month_is_its_own(desk: Desk) -> None:
    found = desk.all("/audit", month="2026-03", limit="10")
    assert [one["entry_id"] for one in found] == [entry(number)[1] for number in range(223, 99, -1)]
    assert desk.all("/audit") == []
    assert desk.all("/audit", month="2026-12") == []
    assert desk.refusal("/audit", month="2026-13") == "invalid_month"
    assert desk.refusal("/audit", month="9999-12") == "invalid_month"
    assert desk.refusal("/audit", month="2026-03", since="2026-01-01") == "invalid_parameter"


def test_the_trail_goes_on_from_month_to_month(desk: Desk) -> None:
    since, until = MARCH - timedelta(days=20), MARCH + timedelta(days=45)
    expected = [entry(number)[1] for number in range(279, 19, -1)]
    times = {"since": since.isoformat(), "until": until.isoformat()}
    pages = list(desk.pages("/audit", **times, limit="60"))
    assert [one["entry_id"] for page in pages for one in page] == expected
    # From today to the first entry, over months in which nothing happened.
    assert [one["entry_id"] for one in desk.all("/audit", since="2025-10-01", limit="1000")] == [
        entry(number)[1] for number in range(299, -1, -1)
    ]


def test_the_trail_of_one_thing_is_read_over_all_months(desk: Desk) -> None:
    target = entry(0)[2]["target"]
    found = desk.all("/audit", target=target, since="2020-01-01", limit="11")
    assert [one["entry_id"] for one in found] == [entry(number)[1] for number in range(297, -1, -3)]
    march = desk.all("/audit", target=target, month="2026-03")
    assert [one["entry_id"] for one in march] == [entry(number)[1] for number in range(222, 99, -3)]


def test_a_list_that_was_begun_last_month_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word about the time it is the present month, which may end between two pages."""

    class Then(datetime):
        now_is = datetime(2026, 3, 31, 23, 59, tzinfo=UTC)

        @classmethod
        def now(cls, _: Any = None) -> Any:
            return cls.now_is

    monkeypatch.setattr("handlers.routes.operations.datetime", Then)
    status, first = desk.call("/audit", limit="100")
    assert (status, len(first["items"])) == (200, 100)
    Then.now_is = datetime(2026, 4, 1, 0, 1, tzinfo=UTC)
    status, second = desk.call("/audit", limit="100", cursor=first["next"])
    assert (status, len(second["items"]), second["next"]) == (200, 24, None)


def test_servers_are_found_by_a_whole_label(desk: Desk) -> None:
    place = {"region": "ap-south-1", "host": "h", "port": "5432", "sslmode": "require"}
    servers = {"one": "ssd", "two": "eu ssd", "three": "ssd-2 ssd2", "four": "hdd ssd zz", "five": ""}
    fields = {
        name: place | ({"labels": labels} if labels else {"status": "draining"}) for name, labels in servers.items()
    }
    desk.put(("SERVER", name, one) for name, one in fields.items())
    try:
        for query, expected in (
            ({}, ["five", "four", "one", "three", "two"]),
            ({"label": "ssd"}, ["four", "one", "two"]),
            ({"label": "ss"}, []),
            ({"status": "draining"}, ["five"]),
            ({"status": "active"}, ["four", "one", "three", "two"]),
            ({"prefix": "t"}, ["three", "two"]),
            ({"region": "us-east-1"}, []),
        ):
            assert [one["server_id"] for one in desk.all("/servers", limit="2", **query)] == expected
    finally:
        for name in servers:
            desk.delete("SERVER", name)


def test_certificates_of_one_tenant_are_paged(desk: Desk) -> None:
    made = [("CERTIFICATE", f"{name}#{number:03}", {"content": json.dumps({"of": name, "number": number})})
            for name in ("acme", "acme-two") for number in range(5)]  # fmt: skip
    desk.put(made)
    found = desk.all("/tenants/acme/certificates", limit="2")
    assert found == [{"of": "acme", "number": number} for number in range(5)]


def test_a_rollouts_ledger_and_rollouts_are_paged(desk: Desk) -> None:
    waves = (Wave("all", max_failed=0),)
    store, ledger = RolloutStore(desk.dynamodb, TABLE), Ledger(desk.dynamodb, TABLE)
    rollouts = [new_rollout("0001", RolloutOrder("0001", waves, Rules(dry_run=True)), "op-1") for _ in range(3)]
    for rollout in rollouts:
        store.begin(rollout)
    shown = desk.all("/rollouts", limit="2")
    assert [one["rollout_id"] for one in shown] == sorted((one.rollout_id for one in rollouts), reverse=True)

    states = [EntryState.DONE, EntryState.FAILED, EntryState.DONE]
    units = sorted([f"t-{number:03}" for number in range(120)] + ["pool/first"])
    entries = [Entry(unit, "first", "database", 0, "0001", states[n % 3]) for n, unit in enumerate(units)]
    path = f"/rollouts/{rollouts[0].rollout_id}/tenants"
    ledger.put_all(rollouts[0].rollout_id, entries)
    ledger.put_steps(rollouts[0].rollout_id, [])
    assert [one["unit"] for one in desk.all(path, limit="50")] == units
    failed = [entry.unit for entry in entries if entry.state is EntryState.FAILED]
    assert [one["unit"] for one in desk.all(path, limit="7", state="failed")] == failed
    assert desk.all(path, state="blocked") == []
    assert desk.refusal(path, state="lost") == "invalid_state"
    of_one = desk.call(path, limit="1")[1]["next"]
    assert desk.refusal(f"/rollouts/{rollouts[1].rollout_id}/tenants", cursor=of_one) == "invalid_cursor"
