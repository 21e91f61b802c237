"""Good and bad requests of query_tenant on a real PostgreSQL."""

import json

import pytest

from tests.integration.conftest import World


def test_a_tenant_reads_its_own_rows(world: World) -> None:
    first, second = world.tenants
    reply = world.call(first, select="id,name", order="id", limit="3", offset="2")
    assert reply.status == 200
    assert reply.json == [{"id": i, "name": f"{first} {i}"} for i in (3, 4, 5)]
    assert reply.headers["Content-Range"] == "2-4/*"
    assert reply.headers["Content-Type"].startswith("application/json")
    assert len(world.call(second).json) == 7


def test_a_filter_that_matches_nothing_gives_an_empty_list(world: World) -> None:
    reply = world.call(world.tenants[0], name="eq.nobody")
    assert (reply.status, reply.json, reply.headers["Content-Range"]) == (200, [], "*/*")


def test_rows_are_written_changed_and_deleted(world: World) -> None:
    first, second = world.tenants
    rows = [{"name": "Asha"}, {"name": "Bilal"}]
    made = world.call(first, "POST", body=rows, prefer="return=representation", select="id,name")
    assert made.status == 201
    assert [row["name"] for row in made.json] == ["Asha", "Bilal"]
    ids = ",".join(str(row["id"]) for row in made.json)
    changed = world.call(first, "PATCH", body={"name": "Asha K."}, id=f"in.({ids})", prefer="return=representation")
    assert (changed.status, {row["name"] for row in changed.json}) == (200, {"Asha K."})
    assert changed.headers["Preference-Applied"] == "return=representation"
    assert world.call(second, name="eq.Asha K.").json == []
    gone = world.call(first, "DELETE", id=f"in.({ids})")
    assert (gone.status, gone.text) == (204, "")
    assert len(world.call(first).json) == 10


def test_a_write_without_preference_answers_nothing(world: World) -> None:
    tenant = world.tenants[0]
    assert (world.call(tenant, "POST", body={"name": "Chandra"}).status, "") == (201, "")
    assert world.call(tenant, "PATCH", body={"name": "C"}, name="eq.Chandra").status == 204
    assert world.call(tenant, "DELETE", name="eq.C").status == 204


def test_a_write_without_filter_is_refused(world: World) -> None:
    for method, body in (("PATCH", {"name": "all"}), ("DELETE", None)):
        reply = world.call(world.tenants[0], method, body=body)
        assert (reply.status, reply.json["code"]) == (400, "21000")
    assert len(world.call(world.tenants[0]).json) == 10


@pytest.mark.parametrize(
    ("role", "method", "status"),
    [
        ("viewer", "GET", 200),
        ("viewer", "POST", 403),
        ("viewer", "PATCH", 403),
        ("viewer", "DELETE", 403),
        ("editor", "PATCH", 204),
        ("admin", "PATCH", 204),
        ("operator", "GET", 403),
    ],
)
def test_a_role_may_do_what_its_database_role_may(world: World, role: str, method: str, status: int) -> None:
    body = {"name": "x"} if method in {"POST", "PATCH"} else None
    query = {} if method in {"GET", "POST"} else {"id": "eq.-1"}
    reply = world.call(world.tenants[0], method, role=role, body=body, **query)
    assert reply.status == status
    if status == 403:
        assert reply.json["code"] in {"42501", "access_denied"}


def test_reading_can_not_write_even_through_a_view(world: World) -> None:
    tenant = world.tenants[0]
    world.execute(
        """CREATE FUNCTION add_one() RETURNS bigint LANGUAGE sql VOLATILE
           AS $$ INSERT INTO candidates (name) VALUES ('sneaked in') RETURNING id $$;
           CREATE VIEW writing AS SELECT add_one() AS id; GRANT SELECT ON writing TO PUBLIC""",
        tenant.value,
        f"{tenant}_owner",
    )
    reply = world.call(tenant, table="writing")
    assert (reply.status, reply.json["code"]) == (405, "25006")


@pytest.mark.parametrize(
    ("table", "query", "status", "code"),
    [
        ("nowhere", {}, 404, "PGRST205"),
        ("candidates", {"select": "nothing"}, 400, "42703"),
        ("candidates", {"nothing": "eq.1"}, 400, "42703"),
        ("candidates", {"id": "eq.abc"}, 400, "22P02"),
        ("candidates", {"id": "abc"}, 400, "PGRST100"),
        ("candidates", {"select": "name("}, 400, "PGRST100"),
        ("pg_catalog.pg_authid", {}, 404, "PGRST205"),
        ('candidates" UNION SELECT 1 --', {}, 404, "PGRST205"),
    ],
)
def test_a_malformed_request_gets_its_code(
    world: World, table: str, query: dict[str, str], status: int, code: str
) -> None:
    reply = world.call(world.tenants[0], table=table, **query)
    assert (reply.status, reply.json["code"]) == (status, code)
    assert reply.json.keys() == {"code", "message", "details", "hint"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "PGRST102"),
        ("", 400, "PGRST102"),
        (None, 400, "PGRST102"),
        ("7", 400, "PGRST102"),
        ([{"name": "a"}, {"email": "b"}], 400, "PGRST102"),
        ({"name": "a", "salary": 1}, 400, "PGRST204"),
        ({"email": "no name"}, 400, "23502"),
        ({"id": "x", "name": "a"}, 400, "22P02"),
        ({"name": "a\x00b"}, 400, None),
        ({"name": "x" * 20_000}, 413, "payload_too_large"),
    ],
)
def test_a_malformed_body_changes_nothing(world: World, body: object, status: int, code: str | None) -> None:
    reply = world.call(world.tenants[0], "POST", body=body)
    assert reply.status == status, reply.text
    assert code in {None, reply.json["code"]}
    assert len(world.call(world.tenants[0]).json) == 10


def test_a_value_that_tries_to_be_sql_is_a_value(world: World) -> None:
    tenant = world.tenants[0]
    for text in ("'; DROP TABLE candidates; --", "$$;SELECT 1;$$", "%s %(x)s %%", "\\'; RESET ROLE; --", "name"):
        made = world.call(tenant, "POST", body={"name": text}, prefer="return=representation")
        assert made.json[0]["name"] == text
        assert [row["name"] for row in world.call(tenant, name=f"eq.{text}").json] == [text]
        assert world.call(tenant, "DELETE", name=f"eq.{text}").status == 204
    assert len(world.call(tenant).json) == 10


def test_an_answer_that_is_too_large_is_refused_with_advice(world: World) -> None:
    tenant = world.tenants[0]
    world.execute("CREATE VIEW large AS SELECT repeat('x', 200000) AS text", tenant.value, f"{tenant}_owner")
    reply = world.call(tenant, table="large")
    assert (reply.status, reply.json["code"]) == (413, "payload_too_large")
    assert "limit" in reply.json["hint"]


def test_a_conflict_is_told(world: World) -> None:
    tenant = world.tenants[0]
    reply = world.call(tenant, "POST", body={"name": "again", "email": f"{tenant}-1@example.com"})
    assert (reply.status, reply.json["code"]) == (409, "23505")


def test_a_statement_that_takes_too_long_is_ended(world: World) -> None:
    tenant = world.tenants[0]
    world.execute("CREATE VIEW slow AS SELECT pg_sleep(20)::text AS t", tenant.value, f"{tenant}_owner")
    reply = world.call(tenant, table="slow")
    assert (reply.status, reply.json["code"]) == (504, "57014")


def test_settings_of_one_request_are_gone_in_the_next(world: World) -> None:
    tenant = world.tenants[0]
    world.execute(
        """CREATE VIEW who AS SELECT current_user::text AS role, current_setting('request.jwt.claims') AS claims,
           current_setting('app.tenant_id') AS tenant, current_setting('transaction_read_only') AS read_only""",
        tenant.value,
        f"{tenant}_owner",
    )
    for role in ("viewer", "editor", "viewer"):
        (row,) = world.call(tenant, table="who", role=role).json
        assert row["role"] == f"{tenant}_{role}"
        assert json.loads(row["claims"])["custom:role"] == role
        assert (row["tenant"], row["read_only"]) == (tenant.value, "on")


def test_row_level_security_sees_the_callers_claims(world: World) -> None:
    tenant = world.tenants[0]
    world.execute(
        """CREATE TABLE notes (owner text, note text);
           INSERT INTO notes VALUES ('someone', 'mine'), ('else', 'not mine');
           ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
           CREATE POLICY own ON notes USING (owner = current_setting('request.jwt.claims')::json ->> 'sub')""",
        tenant.value,
        f"{tenant}_owner",
    )
    for _ in range(7):  # past the point where PostgreSQL may switch to a generic plan
        assert [row["note"] for row in world.call(tenant, table="notes").json] == ["mine"]
        assert len(world.call(tenant, table="notes", role="admin").json) == 2


def test_many_shapes_leave_a_bounded_number_of_prepared_statements(world: World) -> None:
    tenant = world.tenants[0]
    world.execute(
        "CREATE VIEW prepared AS SELECT count(*) AS n FROM pg_prepared_statements", tenant.value, f"{tenant}_owner"
    )
    for number in range(150):
        assert world.call(tenant, select=f"c{number}:name", limit="1").status == 200
        assert world.call(tenant, select=f"missing{number}").status == 400
    (row,) = world.call(tenant, table="prepared").json
    assert row["n"] <= 130


def test_two_tenants_in_turn_never_see_each_other(world: World) -> None:
    def read(turn: int) -> bool:
        tenant = world.tenants[turn % 2]
        rows = world.call(tenant, select="name", order="id").json
        return len(rows) in {7, 10} and all(row["name"].startswith(str(tenant)) for row in rows)

    for tenant in world.tenants:
        world.call(tenant)
    assert all(read(turn) for turn in range(200))
