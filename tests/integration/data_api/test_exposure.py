"""The rights of viewer and editor in a second schema: before it is exposed, while it is, and after that."""

from contextlib import closing

import psycopg2
import pytest

from tests.integration.data_api.conftest import Subject

READ, READ_LATER = "SELECT note FROM api.before", "SELECT note FROM api.later"
WRITE, WRITE_LATER = "INSERT INTO api.before (note) VALUES ('x')", "INSERT INTO api.later (note) VALUES ('x')"
LATER = "CREATE TABLE api.later (id serial PRIMARY KEY, note text)"
DEFAULTS = """
SELECT r.rolname::text, d.defaclobjtype::text, a.privilege_type
FROM pg_default_acl d
JOIN pg_namespace n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL aclexplode(d.defaclacl) a
JOIN pg_roles r ON r.oid = a.grantee
WHERE n.nspname = '{}' AND a.grantee <> d.defaclrole
ORDER BY 1, 2, 3
"""


def test_a_schema_is_nobodys_but_the_owners_until_it_is_exposed(subject: Subject) -> None:
    assert not subject.is_let(READ, "viewer")
    assert not subject.is_let(READ, "editor")
    assert subject.set(schemas=["public", "api"]).status == 200
    assert subject.run(READ, "viewer") == [("one",)]
    assert subject.is_let(WRITE, "editor")
    assert not subject.is_let(WRITE, "viewer")


def test_what_is_made_later_is_reached_as_well(subject: Subject) -> None:
    subject.set(schemas=["api"])
    subject.run(LATER)
    assert subject.is_let(READ_LATER, "viewer")
    assert subject.is_let(WRITE_LATER, "editor")
    assert not subject.is_let(WRITE_LATER, "viewer")
    assert not subject.is_let("CREATE TABLE api.mine (id int)", "editor")


def test_it_has_the_default_privileges_of_the_schema_that_the_tenant_came_with(subject: Subject) -> None:
    subject.set(schemas=["public", "api"])
    assert subject.run(DEFAULTS.format("api")) == subject.run(DEFAULTS.format("public")) != []


def test_one_that_is_not_exposed_any_more_is_reached_no_more(subject: Subject) -> None:
    subject.set(schemas=["public", "api"])
    subject.run(LATER)
    assert subject.set(schemas=["public"]).status == 200
    for role in ("viewer", "editor"):
        assert not any(subject.is_let(statement, role) for statement in (READ, READ_LATER))
    assert subject.run(DEFAULTS.format("api")) == []
    # Nor when somebody lets them look into it again.
    subject.run(f'GRANT USAGE ON SCHEMA api TO "{subject.tenant_id}_editor"')
    assert not any(subject.is_let(statement, "editor") for statement in (READ, WRITE, WRITE_LATER))
    assert subject.run("SELECT count(*) FROM api.before") == [(1,)]


def test_what_a_role_has_given_away_goes_as_well(subject: Subject) -> None:
    subject.set(schemas=["public", "api"])
    viewer, editor = (f'"{subject.tenant_id}_{role}"' for role in ("viewer", "editor"))
    subject.run(f"GRANT UPDATE ON api.before TO {editor} WITH GRANT OPTION")
    subject.run(f"GRANT UPDATE ON api.before TO {viewer}", "editor")
    assert subject.set(schemas=["public"]).status == 200
    assert subject.run("SELECT has_table_privilege(rolname, 'api.before', 'UPDATE') FROM pg_roles "
                       f"WHERE rolname = '{subject.tenant_id}_viewer'") == [(False,)]  # fmt: skip


def test_the_schema_of_the_home_stays_reached_where_another_takes_its_place(subject: Subject) -> None:
    subject.run("CREATE VIEW api.people WITH (security_invoker) AS SELECT name FROM public.candidates")
    subject.set(schemas=["api"])
    assert subject.is_let("SELECT * FROM api.people", "viewer")


def test_other_tenants_get_nothing(subject: Subject) -> None:
    subject.set(schemas=["public", "api"])
    for other, credentials in subject.world.credentials.items():
        login = {"user": credentials.username, "password": credentials.password}
        with pytest.raises(psycopg2.OperationalError, match="permission denied"):
            subject.world.server.connect(subject.tenant_id.value, **login)
        with closing(subject.world.admin(subject.tenant_id.value)) as connection, connection.cursor() as cursor:
            cursor.execute(f'SET ROLE "{other}_owner"')
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(READ)


def test_names_are_quoted(subject: Subject) -> None:
    hostile = 'a"; DROP SCHEMA api; --'
    subject.run('CREATE SCHEMA "a""; DROP SCHEMA api; --"; CREATE TABLE "a""; DROP SCHEMA api; --".t ()')
    assert subject.set(schemas=["public", hostile, "api"]).status == 200
    assert subject.is_let('TABLE "a""; DROP SCHEMA api; --".t', "viewer")
    assert subject.set(schemas=["public"]).status == 200
    assert not subject.is_let('TABLE "a""; DROP SCHEMA api; --".t', "viewer")
    assert subject.run(READ) == [("one",)]


def test_a_function_of_the_tenants_does_not_run_as_the_administrator(subject: Subject) -> None:
    """Statements of ours in a tenant's database find no operator or function that the tenant has made."""
    subject.run("""
        CREATE TABLE seen (who text);
        CREATE FUNCTION spy(text, text) RETURNS boolean LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO public.seen VALUES (session_user); RETURN true; END $$;
        CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = spy);
        CREATE FUNCTION aclexplode(aclitem[]) RETURNS TABLE (grantee oid) LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO public.seen VALUES (session_user); END $$;
    """)
    assert subject.set(schemas=["public", "api"]).status == 200
    assert subject.run("SELECT * FROM seen") == []


def test_a_schema_that_is_gone_can_be_taken_off_the_list(subject: Subject) -> None:
    subject.set(schemas=["public", "api"])
    subject.run("DROP SCHEMA api CASCADE")
    assert subject.set(max_rows=5).status == 200
    assert subject.set(schemas=["public"]).status == 200


def test_a_schema_that_was_made_anew_is_reached_after_the_same_call(subject: Subject) -> None:
    subject.set(schemas=["public", "api"])
    subject.run("DROP SCHEMA api CASCADE; CREATE SCHEMA api; CREATE TABLE api.before (note text)")
    assert not subject.is_let(READ, "viewer")
    assert subject.set(schemas=["public", "api"]).status == 200
    assert subject.is_let(READ, "viewer")


def test_a_second_schema_opens_nothing_of_the_first_that_its_owner_has_closed(subject: Subject) -> None:
    subject.set(schemas=["public", "api"])
    subject.run(f'REVOKE ALL ON api.before FROM "{subject.tenant_id}_viewer"')
    subject.run("CREATE SCHEMA more")
    assert subject.set(schemas=["public", "api", "more"]).status == 200
    assert not subject.is_let(READ, "viewer")
    assert subject.set(schemas=["public", "api", "more"]).status == 200
    assert subject.is_let(READ, "viewer")
