"""Who asks for an adoption has to have a part in the database, and nothing in it may run with our rights."""

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest

from tenantry.domain.errors import BadRequest
from tenantry.servers.server_admin import AdoptionFacts, ServerAdmin
from tests.integration.tenants.adoption.conftest import PASSWORD, Legacy, assert_untouched


@pytest.fixture
def stranger(legacy: Legacy) -> Iterator[str]:
    """A login of somebody else's; the database lets anybody in, as databases do."""
    name = f"stranger_{uuid4().hex[:8]}"
    legacy.world.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    yield name
    legacy.world.execute(f"DROP OWNED BY {name} CASCADE", legacy.name)
    legacy.world.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def run(legacy: Legacy, statement: str) -> None:
    with closing(legacy.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def test_who_can_merely_log_in_adopts_nothing(legacy: Legacy, stranger: str) -> None:
    """A customer names the database of another and a login of its own, which PUBLIC lets in: refused, nothing given."""
    with pytest.raises(BadRequest) as refusal:
        legacy.adopt(user=stranger)
    assert refusal.value.code == "user_unrelated"
    assert_untouched(legacy)


@pytest.mark.parametrize(
    "part",
    [
        'GRANT SELECT ON people TO "{stranger}"',
        'GRANT CONNECT ON DATABASE "{database}" TO "{stranger}"',
        'GRANT USAGE ON SCHEMA public TO "{stranger}"',
    ],
)
def test_an_application_that_owns_nothing_is_one(legacy: Legacy, stranger: str, part: str) -> None:
    """A migration's login owns the tables, the application's was given rights: that is a part in the database."""
    owner = f'ALTER DATABASE "{legacy.name}" OWNER TO "{legacy.user}"; ALTER SCHEMA public OWNER TO "{legacy.user}"'
    legacy.world.execute(owner, legacy.name)
    run(legacy, part.format(stranger=stranger, database=legacy.name))
    facts = _facts(legacy, stranger)
    assert facts
    assert facts.user_has_part


def test_a_member_of_the_owner_has_a_part(legacy: Legacy, stranger: str) -> None:
    """The application's login is a member of the role that owns everything."""
    legacy.world.execute(f'GRANT "{legacy.user}" TO {stranger}')
    facts = _facts(legacy, stranger)
    assert facts
    assert facts.user_has_part


@pytest.mark.parametrize("event", ["ddl_command_start", "ddl_command_end", "sql_drop"])
def test_an_event_trigger_does_not_run_with_our_rights(legacy: Legacy, event: str) -> None:
    """An event trigger runs a function of the application's, which it can change: nothing of ours sets it off."""
    run(
        legacy,
        """CREATE TABLE ran (by text); GRANT ALL ON ran TO PUBLIC;
           CREATE FUNCTION runs() RETURNS event_trigger LANGUAGE plpgsql AS
           'BEGIN INSERT INTO public.ran VALUES (current_user); END'""",
    )
    legacy.world.execute(f"CREATE EVENT TRIGGER noted ON {event} EXECUTE FUNCTION public.runs()", legacy.name)
    legacy.world.execute("DELETE FROM ran", legacy.name)
    with pytest.raises(BadRequest) as refusal:
        legacy.adopt()
    assert (refusal.value.code, refusal.value.details) == ("event_trigger_unsafe", "noted")
    assert legacy.world.execute("SELECT * FROM ran", legacy.name) == []
    assert legacy.status() is None
    legacy.world.execute("ALTER EVENT TRIGGER noted DISABLE", legacy.name)
    legacy.adopt()


def _facts(legacy: Legacy, user: str) -> AdoptionFacts | None:
    return ServerAdmin(legacy.world.admin).adoption_facts(legacy.tenant_id, legacy.name, user, "public")
