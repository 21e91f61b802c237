"""With tenant A's token nothing of tenant B can be read, written or named: per route, per layer, and in parallel."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from samcli.yamlhelper import yaml_parse

from tenantry.adapters.tenant_session import TenantSessions
from tenantry.domain.credentials import secret_name
from tenantry.domain.tenant import TenantId
from tests.e2e.api import Api

MINE, THEIRS = "mycompany", "mycompany1"
# Every place in which a client might try to name a tenant.
DISGUISES: dict[str, str] = {
    "X-Amz-Tenant-Id": THEIRS,
    "X-Tenant-Id": THEIRS,
    "Tenant-Id": THEIRS,
    "X-Forwarded-Host": f"{THEIRS}.example.com",
    "Accept-Profile": THEIRS,
    "Content-Profile": THEIRS,
}
ROWS = "/rest/v1/{table}"
# What is tried on each route; a route of the template that is not here fails the test.
PROBES: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("/health", "get"): [{}],
    (ROWS, "get"): [
        {},
        {"params": {"name": "ilike.*"}},
        {"table": f"{THEIRS}.candidates"},
        {"table": f"{THEIRS}.public.candidates"},
        {"table": "pg_database"},
        {"table": "pg_authid"},
        {"params": {"tenant_id": f"eq.{THEIRS}"}},
        {"params": {"tenantId": THEIRS}},
    ],
    (ROWS, "post"): [{"table": f"{THEIRS}.candidates", "json": {"name": "leak"}}],
    (ROWS, "patch"): [{"params": {"email": "eq.{their_email}"}, "json": {"name": "leak"}}],
    (ROWS, "delete"): [{"params": {"email": "eq.{their_email}"}}],
    ("/admin/v1/servers", "get"): [{}],
    ("/admin/v1/servers/{server_id}", "get"): [{}],
    ("/admin/v1/servers/{server_id}", "put"): [{"json": {}}],
    ("/admin/v1/servers/{server_id}/drain", "post"): [{}],
    ("/admin/v1/tenants", "get"): [{}],
    ("/admin/v1/tenants/{tenant_id}", "get"): [{}],
    ("/admin/v1/tenants/{tenant_id}", "put"): [{"json": {}}],
    ("/admin/v1/tenants/{tenant_id}/adopt", "post"): [{"json": {}}],
    ("/admin/v1/tenants/{tenant_id}/suspend", "post"): [{}],
    ("/admin/v1/tenants/{tenant_id}/resume", "post"): [{}],
    ("/admin/v1/tenants/{tenant_id}", "delete"): [{"json": {"tenant_id": THEIRS, "undo_hours": 0}}],
    ("/admin/v1/tenants/{tenant_id}/keep", "post"): [{}],
    ("/admin/v1/tenants/{tenant_id}/certificates", "get"): [{}],
    ("/admin/v1/tenants/{tenant_id}/move", "post"): [{"json": {"server_id": "us-east-1"}}],
    ("/admin/v1/tenants/{tenant_id}/promote", "post"): [{"json": {"isolation": "database"}}],
    ("/admin/v1/tenants/{tenant_id}/clone", "post"): [{"json": {"tenant_id": "stolen"}}],
    ("/admin/v1/tenants/{tenant_id}/rename", "post"): [{"json": {"tenant_id": "stolen"}}],
    ("/admin/v1/tenants/{tenant_id}/confirm", "post"): [{"json": {}}],
    ("/admin/v1/tenants/{tenant_id}/undo", "post"): [{"json": {}}],
    ("/admin/v1/tenants/{tenant_id}/limits", "put"): [{"json": {"connections": 1}}],
    ("/admin/v1/operations", "get"): [{}],
    ("/admin/v1/operations/{operation_id}", "get"): [{}],
    ("/admin/v1/reports/isolation", "get"): [{}],
    ("/admin/v1/reports/isolation", "post"): [{}],
    ("/admin/v1/reports/connections", "get"): [{}],
    ("/admin/v1/reports/drift", "get"): [{}],
    ("/admin/v1/reports/drift", "post"): [{"json": {}}],
    ("/admin/v1/reports/cost", "get"): [{}],
    ("/admin/v1/reports/cost", "post"): [{"json": {}}],
    ("/admin/v1/reports/pgadmin", "get"): [{}],
    ("/admin/v1/reports/pgadmin", "post"): [{"json": {}}],
    ("/admin/v1/audit", "get"): [{}],
}


@pytest.fixture(scope="module")
def their_rows(api: Api) -> Iterator[list[tuple[Any, ...]]]:
    """All that the other tenant has; nothing of it may have changed in the end."""
    before = read_all(api)
    yield before
    assert read_all(api) == before


def read_all(api: Api) -> list[tuple[Any, ...]]:
    with api.database(THEIRS) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT name, email, phone, id FROM candidates ORDER BY id")
        return cursor.fetchall()


def routes() -> set[tuple[str, str]]:
    with open("template.yaml", encoding="utf-8") as file:  # noqa: PTH123
        paths = yaml_parse(file.read())["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"]
    return {(path, method) for path, methods in paths.items() for method in methods} - {
        (path, other) for path in paths for other in ("options", "parameters")
    }


def test_every_route_is_probed() -> None:
    assert routes() == PROBES.keys()


@pytest.mark.parametrize(("path", "method"), sorted(PROBES))
def test_a_route_shows_and_touches_nothing_of_anothers(
    api: Api, their_rows: list[tuple[Any, ...]], path: str, method: str
) -> None:
    theirs = {str(value) for *row, _ in their_rows for value in row if value}
    for probe in PROBES[path, method]:
        options = {key: value for key, value in probe.items() if key != "table"}
        if "params" in options:
            email = their_rows[0][1]
            options["params"] = {k: v.replace("{their_email}", email) for k, v in options["params"].items()}
        url = path.replace("{table}", probe.get("table", "candidates"))
        url = url.replace("{tenant_id}", THEIRS).replace("{server_id}", "us-east-1")
        for role in ("viewer", "admin"):
            answer = api.call(method.upper(), url, api.token(MINE, role), headers=dict(DISGUISES), **options)
            assert not [value for value in theirs if value in answer.text], (url, probe)
            assert answer.status_code < 500
            # The operators' API is nobody's who belongs to a tenant.
            assert answer.status_code == 403 or not path.startswith("/admin/")


def test_token_no_role_of_mine_gets_a_row_of_theirs(api: Api, their_rows: list[tuple[Any, ...]]) -> None:
    names = {row[0] for row in their_rows}
    for role in ("viewer", "editor", "admin"):
        rows = api.call("GET", "/rest/v1/candidates", api.token(MINE, role)).json()
        assert len(rows) == 10
        assert not names & {row["name"] for row in rows}


def tenant_keys(api: Api, role: str, tenant: str, bucket: str | None = None) -> dict[str, Any]:
    """A session as the worker itself opens it: with the role's function as its caller."""
    function = {"TenantDataRole": "QueryTenant", "TenantBackupRole": "BackUpTenant"}[role]
    sts = api.aws("sts", **api.as_role(api.role_of(function)))
    arn = api.aws("iam").get_role(RoleName=api.resource(role))["Role"]["Arn"]
    sessions = TenantSessions(sts, arn, "local", api.stack.region, bucket)
    return sessions.open(TenantId(tenant)).client_arguments


def code_of(call: Any, **arguments: Any) -> str:
    """The error code of a call that has to be refused."""
    with pytest.raises(ClientError) as refusal:
        call(**arguments)
    return str(refusal.value.response["Error"]["Code"])


@pytest.mark.parametrize("role", ["TenantDataRole", "TenantBackupRole"])
def test_secret_a_session_reads_its_own_and_no_other(api: Api, role: str) -> None:
    secrets = api.aws("secretsmanager", **tenant_keys(api, role, MINE))
    assert secrets.get_secret_value(SecretId=secret_name("local", TenantId(MINE)))["SecretString"]
    for name in (secret_name("local", TenantId(THEIRS)), "tenantry/local/tenants/mycompany-prod"):
        assert code_of(secrets.get_secret_value, SecretId=name) in {"AccessDeniedException", "AccessDenied"}
    assert code_of(secrets.list_secrets) in {"AccessDeniedException", "AccessDenied"}


@pytest.mark.parametrize(
    "function", ["QueryTenant", "BackUpTenant", "AuthorizeRequest", "ScheduleBackups", "GetHealth"]
)
def test_secret_no_functions_own_role_reads_any(api: Api, function: str) -> None:
    secrets = api.aws("secretsmanager", **api.as_role(api.role_of(function)))
    for tenant in (MINE, THEIRS):
        name = secret_name("local", TenantId(tenant))
        assert code_of(secrets.get_secret_value, SecretId=name) in {"AccessDeniedException", "AccessDenied"}


def test_role_a_session_needs_its_tag(api: Api) -> None:
    sts = api.aws("sts", **api.as_role(api.role_of("QueryTenant")))
    arn = api.aws("iam").get_role(RoleName=api.resource("TenantDataRole"))["Role"]["Arn"]
    assert code_of(sts.assume_role, RoleArn=arn, RoleSessionName="untagged") == "AccessDenied"
    other = api.aws("iam").get_role(RoleName=api.resource("TenantBackupRole"))["Role"]["Arn"]
    tags = [{"Key": "TenantId", "Value": MINE}]
    assert code_of(sts.assume_role, RoleArn=other, RoleSessionName="other", Tags=tags) == "AccessDenied"


def test_backup_key_a_session_writes_below_its_own_prefix_only(api: Api) -> None:
    bucket = api.stack.backup_bucket
    s3 = api.aws("s3", **tenant_keys(api, "TenantBackupRole", MINE, bucket))
    root = api.aws("s3")
    root.put_object(Bucket=bucket, Key=f"tenants/{THEIRS}/backups/probe", Body=b"theirs")
    try:
        s3.put_object(Bucket=bucket, Key=f"tenants/{MINE}/backups/probe", Body=b"mine")
        for prefix in (f"tenants/{THEIRS}/backups", f"tenants/{MINE}-prod/backups", f"tenants/{MINE}", "tenants"):
            assert code_of(s3.put_object, Bucket=bucket, Key=f"{prefix}/leak", Body=b"x") == "AccessDenied"
        assert code_of(s3.get_object, Bucket=bucket, Key=f"tenants/{THEIRS}/backups/probe") == "AccessDenied"
        assert code_of(s3.delete_object, Bucket=bucket, Key=f"tenants/{MINE}/backups/probe") == "AccessDenied"
        assert code_of(s3.list_objects_v2, Bucket=bucket, Prefix=f"tenants/{THEIRS}/") == "AccessDenied"
    finally:
        for tenant in (MINE, THEIRS):
            root.delete_object(Bucket=bucket, Key=f"tenants/{tenant}/backups/probe")


def test_backup_event_a_worker_does_not_become_another_tenant(api: Api) -> None:
    """An event names the tenant; what it names is all that the worker can reach."""
    data_only = tenant_keys(api, "TenantDataRole", MINE)
    s3 = api.aws("s3", **data_only)
    assert code_of(s3.put_object, Bucket=api.stack.backup_bucket, Key=f"tenants/{MINE}/backups/x", Body=b"x") == (
        "AccessDenied"
    )


def test_connection_cache_two_tenants_in_parallel_get_their_own_answers_only(api: Api) -> None:
    """The thread to keep in mind: replies mixed between parallel callers."""
    own = {tenant: api.names(tenant) for tenant in (MINE, THEIRS)}
    tokens = {(tenant, role): api.token(tenant, role) for tenant in own for role in ("viewer", "editor", "admin")}
    callers = list(tokens) * 20

    def ask(caller: tuple[str, str]) -> bool:
        answer = api.call("GET", "/rest/v1/candidates", tokens[caller], params={"select": "name", "order": "name"})
        return answer.status_code == 200 and [row["name"] for row in answer.json()] == own[caller[0]]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(ask, callers))
    assert results == [True] * len(callers)
