"""A database is drilled, restored, moved and cloned as it was made: encoding, locale, settings, comment and limit."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tenantry.domain.catalogue import CataloguedBackup
from tenantry.domain.database_options import DatabaseOptions
from tenantry.domain.errors import BadRequest, Conflict
from tenantry.domain.tenant import TenantId
from tenantry.homes.database_options import read_options
from tenantry.relocation.clone_requests import CloneOrder
from tenantry.restores.requests import RestoreRequest
from tenantry.tenants.adoption import AdoptionRequest, adopt_database
from tests.hostile.owner_sql.test_names_by_hand import back_up, by_hand
from tests.integration.homes.conftest import new_id
from tests.integration.restores.conftest import BUCKET, Vault
from tests.integration.restores.forgery import put

PASSWORD = "of an .env file"
# What PostgreSQL takes for immutable is not, if its author says so: it depends on settings of the database.
COMPUTED = """
CREATE FUNCTION day_of(timestamptz) RETURNS date IMMUTABLE LANGUAGE sql RETURN $1::date;
CREATE FUNCTION read_date(text) RETURNS date IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1::date; END';
CREATE FUNCTION words_of(text) RETURNS tsvector IMMUTABLE LANGUAGE sql RETURN to_tsvector($1);
CREATE TABLE events (
    id int PRIMARY KEY, at timestamptz, day date GENERATED ALWAYS AS (day_of(at)) STORED,
    written text, meant date GENERATED ALWAYS AS (read_date(written)) STORED,
    said text, words tsvector GENERATED ALWAYS AS (words_of(said)) STORED
);
CREATE UNIQUE INDEX ON events (day_of(at));
CREATE TABLE gaps (i int[]); INSERT INTO gaps VALUES (ARRAY[1, NULL]);
CREATE VIEW seen AS SELECT i FROM gaps; SET restrict_nonsystem_relation_kind = '';
CREATE MATERIALIZED VIEW kept AS SELECT i::text FROM seen;
INSERT INTO events VALUES (1, '2024-01-01 16:00+00', DEFAULT, '03.02.2001', DEFAULT, 'die Häuser', DEFAULT),
                          (2, '2024-01-01 14:00+00', DEFAULT, '04.02.2001', DEFAULT, 'ein Haus', DEFAULT);
"""
# The two are one to a locale that knows letters beyond ASCII.
ALIKE = """
CREATE TABLE names (a text); CREATE UNIQUE INDEX ON names (lower(a));
INSERT INTO names VALUES ('É'), ('é'), ('Z'), ('a');
"""
SETTINGS = {
    "timezone": "'Asia/Tokyo'",
    "datestyle": "'SQL, DMY'",
    "intervalstyle": "'iso_8601'",
    "default_text_search_config": "'german'",
    "lc_monetary": "'C'",
    "search_path": '"odd one", public',
    "client_encoding": "'LATIN1'",
    # With these, an array's NULL is read as a word, and no materialized view is filled from a view.
    "array_nulls": "off",
    "restrict_nonsystem_relation_kind": "'view'",
    "default_tablespace": "'{tablespace}'",
}
MADE = """SELECT pg_encoding_to_char(encoding), datlocprovider, datcollate, datctype, datlocale, datconnlimit,
          shobj_description(oid, 'pg_database'), dattablespace,
          ARRAY(SELECT c FROM pg_db_role_setting s, unnest(s.setconfig) c
                WHERE s.setdatabase = d.oid AND setrole = 0 AND c !~ '^tenantry' ORDER BY 1)
          , daticurules FROM pg_database d WHERE datname = '{}'"""


class Odd:
    """A tenant with a database that somebody else has made, unlike ours."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.tenant_id: TenantId = new_id("o")
        self.database, self.user = f"odd_{self.tenant_id}", f"app_of_{self.tenant_id}"
        self.tablespace = f"disk_{self.tenant_id}"
        self.made = [self.tenant_id]
        # Of who writes and reads here: with LATIN1, a database without an encoding takes and gives any bytes.
        self.encoding = "UTF8"
        vault.made.append(self.tenant_id)

    def make(self, options: str) -> None:
        self.vault.execute("here", f"CREATE ROLE {self.user} LOGIN PASSWORD '{PASSWORD}'")
        self.vault.execute("here", f'CREATE DATABASE "{self.database}" OWNER {self.user} TEMPLATE template0 {options}')

    def adopt(self) -> None:
        vault = self.vault
        adopt_database(
            AdoptionRequest(self.tenant_id, self.database, self.user, PASSWORD),
            server=vault.servers.get("here"),
            admin=vault.servers.admin("here"),
            secret_store=vault.world.secrets,
            registry=vault.world.registry,
        )

    def run(self, statement: str) -> None:
        """As the application, where its tenant lives at first."""
        server = self.vault.postgres["here"]
        with closing(server.connect(self.database, user=self.user, password=PASSWORD)) as connection:
            connection.set_client_encoding(self.encoding)
            with connection, connection.cursor() as cursor:
                cursor.execute("SET search_path = public")
                cursor.execute(statement)

    def read(self, tenant_id: TenantId, statement: str) -> list[Any]:
        place = self.vault.credentials(tenant_id)
        server = next(s for s in self.vault.postgres.values() if s.port == place.port)
        with closing(server.connect(place.dbname)) as connection, connection.cursor() as cursor:
            connection.set_client_encoding(self.encoding)
            cursor.execute(statement)
            return cursor.fetchall()

    def made_as(self, tenant_id: TenantId) -> Any:
        place = self.vault.credentials(tenant_id)
        name = next(n for n, s in self.vault.postgres.items() if s.port == place.port)
        return self.vault.execute(name, MADE.format(place.dbname))[0]

    def drop(self) -> None:
        for server in self.vault.postgres:
            owned = " OR ".join(f"pg_get_userbyid(datdba) = '{t}_owner'" for t in self.made)
            named = f"pg_get_userbyid(datdba) = '{self.user}' OR {owned}"
            for (name,) in self.vault.execute(server, f"SELECT datname FROM pg_database WHERE {named}"):
                self.vault.execute(server, f'ALTER DATABASE "{name}" IS_TEMPLATE false')
                self.vault.execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')
        with suppress(Exception):
            self.vault.execute("here", f"DROP OWNED BY {self.user}")
        self.vault.execute("here", f"DROP ROLE IF EXISTS {self.user}")


@pytest.fixture
def odd(vault: Vault) -> Iterator[Odd]:
    made = Odd(vault)
    try:
        yield made
    finally:
        made.drop()


@pytest.fixture
def tablespace(odd: Odd) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="tenantry-disk-") as directory:
        Path(directory).chmod(0o777)
        odd.vault.execute("here", f"CREATE TABLESPACE {odd.tablespace} LOCATION '{directory}'")
        yield odd.tablespace
        odd.drop()
        odd.vault.execute("here", f"DROP TABLESPACE {odd.tablespace}")


def stays_itself(odd: Odd, state: str, damage: str) -> None:
    """Drill, restore, undo, clone, restore as new and move; every time it is the same database with the same rows."""
    vault, tenant = odd.vault, odd.tenant_id
    made, before = odd.made_as(tenant), odd.read(tenant, state)
    backup = vault.back_up(tenant)
    found = vault.scratches().drill(vault.order(backup))
    assert (found.findings.differing, found.left_behind) == ([], "")
    odd.run(damage)
    lost = odd.read(tenant, state)
    assert lost != before
    vault.perform_well(vault.start(backup))
    assert (odd.made_as(tenant), odd.read(tenant, state)) == (made, before)
    vault.perform_well(vault.relocations.undo(tenant, "op-1"))
    assert odd.read(tenant, state) == lost
    vault.perform_well(vault.relocations.confirm(tenant, "op-1"))
    again = new_id("o")
    odd.made.append(again)
    vault.made.append(again)
    vault.perform_well(vault.restores().start(RestoreRequest(tenant, backup.backup_id, into=again), "op-1"))
    assert (odd.made_as(again), odd.read(again, state)) == (made, before)
    vault.perform_well(vault.relocations.move(again, "there", "op-1"))
    moved = odd.made_as(again)
    assert (moved[:7], moved[8:]) == (made[:7], made[8:])
    assert odd.read(again, state) == before
    clone = new_id("o")
    odd.made.append(clone)
    vault.made.append(clone)
    vault.perform_well(vault.clones.start(CloneOrder(again, clone, "here"), "op-1"))
    assert (odd.made_as(clone), odd.read(clone, state)) == (moved, before)


def test_a_locale_and_settings_that_rows_are_computed_with(odd: Odd, tablespace: str) -> None:
    odd.make(f"ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C' TABLESPACE {tablespace}")
    for name, value in SETTINGS.items():
        wanted = value.format(tablespace=tablespace)
        odd.vault.execute("here", f'ALTER DATABASE "{odd.database}" SET {name} = {wanted}')
    odd.vault.execute("here", f"COMMENT ON DATABASE \"{odd.database}\" IS 'the ''crm'''")
    odd.vault.execute("here", f'ALTER DATABASE "{odd.database}" CONNECTION LIMIT 77 IS_TEMPLATE false')
    odd.vault.execute("here", f"GRANT CREATE ON TABLESPACE {tablespace} TO {odd.user}")
    odd.run(COMPUTED + ALIKE)
    odd.vault.execute("here", "CREATE TABLE elsewhere (i int) TABLESPACE pg_default", odd.database)
    odd.adopt()
    state = "SELECT id, day::text, meant::text, words::text FROM events ORDER BY 1"
    assert odd.read(odd.tenant_id, state)[0][1:] == ("2024-01-02", "2001-02-03", "'haus':2")
    stays_itself(
        odd,
        f"SELECT e::text FROM ({state}) e UNION ALL SELECT i FROM kept UNION ALL (SELECT a FROM names ORDER BY a)",
        "DELETE FROM names",
    )


def test_an_encoding_of_one_byte(odd: Odd) -> None:
    odd.make("ENCODING 'LATIN1' LOCALE 'C'")
    odd.run("CREATE TABLE \"tä\" (\"größe\" text PRIMARY KEY); INSERT INTO \"tä\" VALUES ('Ünal'), ('É'), ('é')")
    odd.run('CREATE SCHEMA "ö"; CREATE TABLE "ö"."ß" AS SELECT 1 AS "ä"; COMMENT ON TABLE "tä" IS \'schön\'')
    odd.adopt()
    stays_itself(odd, 'SELECT "größe" FROM "tä" ORDER BY 1', 'DELETE FROM "tä" WHERE "größe" = \'é\'')


def test_bytes_without_an_encoding(odd: Odd) -> None:
    odd.make("ENCODING 'SQL_ASCII' LOCALE 'C'")
    odd.run("CREATE TABLE notes (id int PRIMARY KEY, b text); INSERT INTO notes VALUES (1, 'é'), (2, 'plain')")
    odd.encoding = "LATIN1"
    odd.run("INSERT INTO notes VALUES (3, 'é\xff\x80 raw')")
    odd.adopt()
    stays_itself(odd, "SELECT id, b FROM notes ORDER BY id", "DELETE FROM notes WHERE id = 3")


def test_another_provider(odd: Odd) -> None:
    odd.make(
        "ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'PG_UNICODE_FAST' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
    )
    odd.run("CREATE TABLE upper (a text PRIMARY KEY, b text GENERATED ALWAYS AS (upper(a)) STORED)")
    odd.run("INSERT INTO upper VALUES ('straße'), ('z'), ('É')")
    odd.adopt()
    assert ("STRASSE",) in odd.read(odd.tenant_id, "SELECT b FROM upper")
    stays_itself(odd, "SELECT a, b FROM upper ORDER BY 1", "DELETE FROM upper WHERE a = 'z'")


def test_a_search_configuration_of_its_own_keeps_nobody_out(odd: Odd) -> None:
    """Who may not use its schema yet could not log in: it is the database's when all is there."""
    odd.make("ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'")
    odd.run("CREATE TEXT SEARCH CONFIGURATION public.ours (COPY = german); CREATE TABLE events (said text)")
    odd.vault.execute("here", f"ALTER DATABASE \"{odd.database}\" SET default_text_search_config = 'public.ours'")
    odd.run("INSERT INTO events VALUES ('die Häuser')")
    odd.adopt()
    stays_itself(odd, "SELECT to_tsvector(said)::text FROM events", "UPDATE events SET said = 'der Garten'")


def test_it_is_made_by_hand_too(odd: Odd, tmp_path: Path) -> None:
    odd.make("ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'")
    odd.run("CREATE TABLE t (i int)")
    odd.adopt()
    back_up(odd.vault, odd.tenant_id, tmp_path)
    name = f"{odd.tenant_id}_by_hand"
    done = by_hand(odd.vault, odd.tenant_id, tmp_path, "make", "manifest.json", name, as_administrator=True)
    assert (done.returncode, done.stdout) == (0, f"{name}: made, and closed\n")
    found = read_options(odd.vault.servers.connector("here"), name)
    assert found == DatabaseOptions("LATIN1", "libc", "C", "C")


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "MULE_INTERNAL"])
def test_names_that_nobody_can_read_are_refused_at_once(odd: Odd, encoding: str) -> None:
    odd.make(f"ENCODING '{encoding}' LOCALE 'C'")
    odd.encoding = "LATIN1"
    if encoding == "SQL_ASCII":  # of the other one, what is there is no matter
        odd.run('CREATE TABLE "tä" (i int)')
    roles = odd.vault.execute("here", "SELECT rolname FROM pg_roles ORDER BY 1")
    with pytest.raises(BadRequest) as refusal:
        odd.adopt()
    assert (refusal.value.code, bool(refusal.value.hint)) == ("encoding_unsupported", True)
    assert odd.vault.world.registry.tenant(odd.tenant_id) is None
    assert odd.vault.execute("here", "SELECT rolname FROM pg_roles ORDER BY 1") == roles


def test_a_locale_that_the_server_lacks_is_refused_before_anything_changes(odd: Odd) -> None:
    """The backup, the tenant and its database are as they were; so is a drill's server."""
    odd.make("ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'")
    odd.run(ALIKE)
    odd.adopt()
    vault = odd.vault
    backup = vault.back_up(odd.tenant_id)
    assert backup.manifest
    for facts in ({"collation": "xx_YY"}, {"locale_provider": "icu", "character_type": "xx_YY", "locale": "de-DE"}):
        database = backup.manifest.database.model_copy(update=facts)
        forged = put(vault, odd.tenant_id, backup.manifest, stored_bytes(vault, backup), {}, database=database)
        for request in ({}, {"into": new_id("o")}):
            with pytest.raises(Conflict) as refusal:
                vault.start(forged, **request)
            assert refusal.value.code == "locale_unavailable"
            assert vault.tenant(odd.tenant_id).relocation == ""
        with pytest.raises(Conflict) as refusal:
            vault.scratches().drill(vault.order(forged))
        assert refusal.value.code == "locale_unavailable"
    assert vault.leftovers(odd.tenant_id) == []


def test_a_limit_that_would_keep_us_out_is_not_brought_back(odd: Odd) -> None:
    odd.make("")
    odd.run("CREATE TABLE t (i int)")
    odd.vault.execute("here", f'ALTER DATABASE "{odd.database}" CONNECTION LIMIT 3')
    odd.adopt()
    backup = odd.vault.back_up(odd.tenant_id)
    odd.vault.perform_well(odd.vault.start(backup))
    assert odd.made_as(odd.tenant_id)[5] == -1


def stored_bytes(vault: Vault, backup: CataloguedBackup) -> bytes:
    assert backup.manifest
    body: bytes = vault.s3.get_object(Bucket=BUCKET, Key=backup.manifest.dump.key)["Body"].read()
    return body
