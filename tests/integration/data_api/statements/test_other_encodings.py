"""Writes in a database whose encoding is shorter than UTF-8, in which all answers are sent."""

import json
from collections.abc import Iterator
from uuid import uuid4

import psycopg2
import pytest
from psycopg2 import sql

from tenantry.data_api.catalogue_reader import read_catalogue
from tenantry.data_api.statement_refusals import refusal_of
from tenantry.postgrest import Plan, Request, RequestLimits, plan
from tenantry.postgrest.sql.refusing import Refusal
from tests.integration.data_api.statements.conftest import Server, Tables, connect

SCHEMA = """
CREATE TABLE letters (code text PRIMARY KEY, told text);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM set_config('response.headers', NEW.told, true); RETURN NEW; END$$;
CREATE TRIGGER tells BEFORE INSERT ON letters FOR EACH ROW EXECUTE FUNCTION tell();
"""


@pytest.fixture(scope="module")
def letters(postgres: Server) -> Iterator[Tables]:
    name = sql.Identifier(f"latin_{uuid4().hex}")
    admin = connect(postgres, "postgres")
    making = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"
    admin.cursor().execute(sql.SQL(making).format(name))
    opened = connect(postgres, name.string)
    opened.set_client_encoding("UTF8")
    opened.cursor().execute(SCHEMA)
    yield Tables(opened)
    opened.close()
    admin.cursor().execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
    admin.close()


def _inserting(letters: Tables, code: str, told: object) -> Plan:
    body = json.dumps({"code": code, "told": json.dumps(told, ensure_ascii=False)}).encode()
    request = Request("POST", "letters", {}, prefer="return=headers-only", body=body)
    return plan(request, RequestLimits(), read_catalogue(letters, ("public",)))


@pytest.mark.parametrize(
    ("code", "value", "refusal"),
    [
        ("a", "é" * 3_900, None),
        ("a", "é" * 4_500, Refusal.HEADERS),
        ("é" * 700, "", None),
        ("é" * 800, "", Refusal.LOCATION),
        ("é" * 700, "é" * 2_200, Refusal.LOCATION),
    ],
)
def test_headers_are_measured_as_they_are_sent(letters: Tables, code: str, value: str, refusal: Refusal | None) -> None:
    inserting = _inserting(letters, code, [{"X-A": value}])
    letters.cursor.execute("TRUNCATE letters")
    if refusal is None:
        assert letters.run(inserting)[0] == 1
        return
    with pytest.raises(psycopg2.errors.ArraySubscriptError) as refused:
        letters.run(inserting)
    assert refusal_of(refused.value) is refusal
