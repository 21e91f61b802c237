"""A tenant's login looks into a database that anybody may connect to, when that is adopted: it is kept out then."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.hostile.adopted_database.test_drills_and_restores import TABLES, Adopted
from tests.integration.restores.conftest import Vault


@pytest.fixture
def adopted(vault: Vault) -> Iterator[Adopted]:
    made = Adopted(vault, "open-to-anybody")
    try:
        yield made
    finally:
        made.drop()


@pytest.mark.parametrize("trace", ["a session", "a session of before marks", "a right"])
def test_a_neighbours_login_gets_no_right_by_an_adoption(vault: Vault, adopted: Adopted, trace: str) -> None:
    """Roles that use the database keep their way in when PUBLIC loses it; another tenant's login loses it."""
    neighbour = vault.add()
    login = vault.credentials(neighbour).username
    others = f"bystander_of_{adopted.tenant_id}"
    vault.execute("here", f'CREATE ROLE "{others}" LOGIN')
    if trace == "a session of before marks":
        for suffix in ("dump", "count", "login_a", "login_b", "owner", "editor", "viewer"):
            vault.execute("here", f'COMMENT ON ROLE "{neighbour}_{suffix}" IS NULL')
    run = adopted.run
    sessions = []

    def run_beside(statement: str) -> list[object]:
        done = run(statement)
        if statement == TABLES:
            run(f'GRANT SELECT ON people TO "{others}"')
            if trace == "a right":
                run(f'GRANT SELECT ON people TO "{login}"')
            password = vault.credentials(neighbour).password
            sessions.append(vault.postgres["here"].connect(adopted.database, user=login, password=password))
        return done

    try:
        adopted.run = run_beside  # type: ignore[method-assign]
        adopted.adopt()
        query = f"""SELECT has_database_privilege('{login}', '{adopted.database}', 'CONNECT'),
                           has_database_privilege('{others}', '{adopted.database}', 'CONNECT')"""
        assert vault.execute("here", query) == [(False, True)]
    finally:
        for session in sessions:
            with closing(session):
                pass
        vault.execute("here", f'DROP OWNED BY "{others}", "{login}"', adopted.database)
        vault.execute("here", f'DROP OWNED BY "{others}"; DROP ROLE "{others}"')
