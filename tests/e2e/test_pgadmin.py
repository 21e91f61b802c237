"""An operator inspects a tenant on the whole stack, until the operation that closes the inspection."""

import json
from typing import Any

import psycopg2
import pytest
from botocore.exceptions import ClientError

from tests.e2e.api import Api

PATH = "/admin/v1/reports/pgadmin"


@pytest.fixture
def token(api: Api) -> str:
    return api.token_of(api.stack.operator.username)


def ask(entry: dict[str, Any], password: str, statement: str) -> Any:
    arguments = {"host": entry["Host"], "port": entry["Port"], "dbname": entry["MaintenanceDB"]}
    connection = psycopg2.connect(**arguments, user=entry["Username"], password=password)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()
    finally:
        connection.close()


def test_a_look_is_opened_shown_and_closed(api: Api, token: str) -> None:
    opened = api.call("POST", PATH, token, json={"tenants": ["mycompany"], "hours": 1})
    assert opened.status_code == 201, opened.text
    look = opened.json()
    entry = look["servers"]["Servers"]["1"]
    secrets = api.aws("secretsmanager")
    password = secrets.get_secret_value(SecretId=look["secret"])["SecretString"].strip().rsplit(":", 1)[1]
    try:
        names = [name for (name,) in ask(entry, password, "SELECT name FROM candidates ORDER BY name")]
        assert names == api.names("mycompany")
        with pytest.raises(psycopg2.Error) as refusal:
            ask(entry, password, "DELETE FROM candidates RETURNING name")
        assert refusal.value.pgcode in {"25006", "42501"}
        assert look["operation_id"] in {shown["operation_id"] for shown in api.call("GET", PATH, token).json()["items"]}
        schedules = [one["Name"] for one in api.aws("scheduler").list_schedules()["Schedules"]]
        assert f"tenantry-{look['operation_id']}" in schedules
    finally:
        # What the schedule does when the time is over.
        closed = api.aws("lambda").invoke(
            FunctionName=api.resource("PerformOperation"), Payload=json.dumps({"operation_id": look["operation_id"]})
        )
    # Read in any case: what is not read keeps its connection, and is found unclosed by a later test.
    said = closed["Payload"].read()
    assert "FunctionError" not in closed, said
    with pytest.raises(psycopg2.OperationalError):
        ask(entry, password, "SELECT 1")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        secrets.get_secret_value(SecretId=look["secret"])
    assert look["operation_id"] not in {shown["operation_id"] for shown in api.call("GET", PATH, token).json()["items"]}
