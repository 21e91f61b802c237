"""With tenant A's token, nothing of tenant B can be read, written or named: per route, per layer, and in parallel."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from samcli.yamlhelper import yaml_parse

from tenantry.aws.tenant_session import TenantSessions
from tenantry.domain.credentials import secret_name
from tenantry.domain.tenant import TenantId
from tests.e2e.api import Api
from tests.e2e.living import LivingTenant, living_tenant
from tests.e2e.test_permissions import errors_of

MINE, THEIRS = "mycompany", "mycompany1"
REGISTERED = {"pk": {"S": "TENANT"}, "sk": {"S": MINE}}
# Every place in which a client might try to name a tenant.
DISGUISES: dict[str, str] = {
    "X-Amz-Tenant-Id": "{theirs}",
    "X-Tenant-Id": "{theirs}",
    "Tenant-Id": "{theirs}",
    "X-Forwarded-Host": "{theirs}.example.com",
}
# In the schema model this names a schema that is there, in the very database.
PROFILES: dict[str, str] = {"Accept-Profile": "{theirs}", "Content-Profile": "{theirs}"}
ROOT = "/rest/v1"
ROWS = "/rest/v1/{table}"
CALL = "/rest/v1/rpc/{function}"
METHODS = ("get", "head", "post", "put", "patch", "delete")
# Routes that serve nothing, but say so.
EDGES = {
    *((ROOT, method) for method in METHODS[2:]),
    *((f"{ROOT}/rpc", method) for method in METHODS),
    *((CALL, method) for method in METHODS[3:]),
    *((f"{path}/{{proxy+}}", method) for path in (ROWS, CALL) for method in METHODS),
}
# What is tried on each route; a route of the template that is not here fails the test.
PROBES: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("/health", "get"): [{}],
    (ROOT, "get"): [{}, {"params": {"tenant_id": "{theirs}"}}],
    (ROOT, "head"): [{}],
    (ROWS, "get"): [
        {},
        {"params": {"name": "ilike.*"}},
        {"table": "{theirs}.candidates"},
        {"table": "{theirs}.public.candidates"},
        {"table": "pg_database"},
        {"table": "pg_authid"},
        {"params": {"tenant_id": "eq.{theirs}"}},
        {"params": {"tenantId": "{theirs}"}},
        {"params": {"select": "*,{theirs}(*)"}},
        {"params": {"select": "*,pg_roles(*)"}},
        {"params": {"select": "name,tenant_id,shared:tenant_id(*)"}},
        {"params": {"or": "(tenant_id.eq.{theirs},name.ilike.*)"}},
        {"params": {"order": "tenant_id"}},
    ],
    (ROWS, "head"): [{"headers": {"Prefer": "count=exact"}}, {"table": "{theirs}.candidates"}],
    (ROWS, "put"): [
        {"params": {"id": "eq.{id}"}, "json": {"id": "{id}", "name": "leak", "tenant_id": "{theirs}"}},
        {"table": "{theirs}.candidates", "params": {"id": "eq.1"}, "json": {"id": 1, "name": "leak"}},
    ],
    (ROWS, "post"): [
        {"table": "{theirs}.candidates", "json": {"name": "leak"}},
        {"json": {"name": "leak", "job_role": "x", "email": "leak@example.com", "tenant_id": "{theirs}"}},
    ],
    (ROWS, "patch"): [
        {"params": {"email": "eq.{email}"}, "json": {"name": "leak"}},
        {"params": {"id": "gte.0"}, "json": {"tenant_id": "{theirs}"}},
    ],
    (ROWS, "delete"): [
        {"params": {"email": "eq.{email}"}},
        {"params": {"tenant_id": "eq.{theirs}"}},
    ],
    (CALL, "get"): [
        {"function": function, "params": params}
        for function, params in (
            ("current_setting", {"setting_name": "app.tenant_id"}),
            ("pg_read_file", {"filename": "/etc/passwd"}),
            ("pg_ls_dir", {"dirname": "."}),
            ("query_to_xml", {"query": "select * from {theirs}.candidates"}),
            ("{theirs}.anything", {}),
        )
    ],
    (CALL, "head"): [{"function": "pg_ls_dir", "params": {"dirname": "."}}],
    (CALL, "post"): [
        {"function": "set_config", "json": {"setting_name": "role", "new_value": "{theirs}_owner", "is_local": False}},
        {"function": "dblink", "json": {"connstr": "dbname={theirs}", "sql": "select 1"}},
        {"function": "pg_terminate_backend", "json": {"pid": 1}},
    ],
    ("/admin/v1/servers", "get"): [{}, {"params": {"status": "active"}}],
    ("/admin/v1/servers/{server_id}", "get"): [{}],
    ("/admin/v1/servers/{server_id}", "put"): [{"json": {}}],
    ("/admin/v1/servers/{server_id}", "delete"): [{}],
    ("/admin/v1/servers/{server_id}/drain", "post"): [{}],
    ("/admin/v1/tenants", "get"): [{}, {"params": {"prefix": THEIRS, "limit": "1"}}],
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
    ("/admin/v1/tenants/{tenant_id}/data-api", "put"): [{"json": {"schemas": ["public"], "plans": True}}],
    ("/admin/v1/tenants/{tenant_id}/retention", "post"): [{"json": {}}, {"json": {"dry_run": True}}],
    ("/admin/v1/tenants/{tenant_id}/retention", "put"): [{"json": {"daily": 0}}],
    ("/backups/v1", "get"): [{}, {"params": {"tenant_id": "{theirs}"}}],
    ("/backups/v1", "post"): [{"json": {"tenant_id": "{theirs}"}}],
    ("/backups/v1/{backup_id}", "get"): [{}],
    ("/backups/v1/{backup_id}/download", "post"): [{}],
    ("/admin/v1/tenants/{tenant_id}/backups", "get"): [{}, {"params": {"limit": "1"}}],
    ("/admin/v1/tenants/{tenant_id}/backups", "post"): [{}],
    ("/admin/v1/tenants/{tenant_id}/backups/{backup_id}/download", "post"): [{}],
    ("/admin/v1/tenants/{tenant_id}/backups/{backup_id}", "get"): [{}],
    ("/admin/v1/tenants/{tenant_id}/backups/{backup_id}/restore", "post"): [
        {"json": {"tenant_id": THEIRS}},
        {"json": {"into": "stolen"}},
    ],
    ("/admin/v1/tenants/{tenant_id}/backups/{backup_id}/hold", "put"): [{"json": {"reason": "leak"}}],
    ("/admin/v1/tenants/{tenant_id}/backups/{backup_id}/hold", "delete"): [{}],
    ("/admin/v1/operations", "get"): [{}, {"params": {"target": f"tenant/{THEIRS}"}}],
    ("/admin/v1/operations/{operation_id}", "get"): [{}],
    ("/admin/v1/reports/isolation", "get"): [{}],
    ("/admin/v1/reports/isolation", "post"): [{}],
    ("/admin/v1/reports/connections", "get"): [{}],
    ("/admin/v1/reports/drift", "get"): [{}],
    ("/admin/v1/reports/drift", "post"): [{"json": {}}],
    ("/admin/v1/reports/cost", "get"): [{}],
    ("/admin/v1/reports/cost", "post"): [{"json": {}}],
    ("/admin/v1/reports/backups", "get"): [{}, {"params": {"format": "csv"}}],
    ("/admin/v1/reports/backups", "post"): [{"json": {}}],
    ("/admin/v1/reports/pgadmin", "get"): [{}],
    ("/admin/v1/reports/pgadmin", "post"): [{"json": {}}],
    ("/admin/v1/rollouts", "get"): [{}],
    ("/admin/v1/rollouts", "post"): [{"json": {}}, {"json": {"dry_run": True}}],
    ("/admin/v1/rollouts/{rollout_id}", "get"): [{}],
    ("/admin/v1/rollouts/{rollout_id}/tenants", "get"): [{}, {"params": {"format": "csv"}}],
    ("/admin/v1/rollouts/{rollout_id}/pause", "post"): [{}],
    ("/admin/v1/rollouts/{rollout_id}/resume", "post"): [{}],
    ("/admin/v1/rollouts/{rollout_id}/promote", "post"): [{}],
    ("/admin/v1/rollouts/{rollout_id}/cancel", "post"): [{}],
    ("/admin/v1/rollouts/{rollout_id}/revert", "post"): [{}],
    ("/admin/v1/rollouts/{rollout_id}/skip", "post"): [{"json": {"tenant": THEIRS, "reason": "leak"}}],
    ("/admin/v1/reports/migrations", "get"): [{}],
    ("/admin/v1/audit", "get"): [{}, {"params": {"target": f"tenant/{THEIRS}", "cursor": "x"}}],
    **{edge: [{"function": "pg_ls_dir", "params": {"tenant_id": "eq.{theirs}"}}] for edge in EDGES},
}


@dataclass(frozen=True)
class Pair:
    """Two tenants of one isolation model on one server: one sends requests, the other's rows must stay hidden."""

    mine: LivingTenant
    theirs: LivingTenant


@pytest.fixture(scope="module", params=["database", "schema", "pooled"])
def pair(api: Api, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Neighbours on a server; the other tenant's data must be unchanged in the end."""
    body = {"isolation": request.param, "region": "ap-south-1"}
    with living_tenant(api, 3, **body) as mine, living_tenant(api, 4, **body) as theirs:
        before = theirs.rows()
        assert len(before) == 4
        yield Pair(mine, theirs)
        assert theirs.rows() == before


def routes() -> set[tuple[str, str]]:
    with open("template.yaml", encoding="utf-8") as file:  # noqa: PTH123
        paths = yaml_parse(file.read())["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"]
    return {(path, method) for path, methods in paths.items() for method in methods} - {
        (path, other) for path in paths for other in ("options", "parameters")
    }


def test_every_route_is_probed() -> None:
    assert routes() == PROBES.keys()


def filled(probe: Any, names: dict[str, str]) -> Any:
    """A probe with the other tenant's names filled in."""
    if isinstance(probe, dict):
        return {key: filled(value, names) for key, value in probe.items()}
    if isinstance(probe, str):
        for name, value in names.items():
            probe = probe.replace(f"{{{name}}}", value)
    return probe


@pytest.mark.parametrize(("path", "method"), sorted(route for route in PROBES if not route[0].startswith("/admin/")))
def test_a_route_shows_and_touches_nothing_of_anothers(pair: Pair, path: str, method: str) -> None:
    rows = pair.theirs.rows()
    theirs = {str(value) for *row, _ in rows for value in row if value}
    names = {"theirs": pair.theirs.name, "email": rows[0][1], "id": str(rows[0][3])}
    for probe in PROBES[path, method]:
        options = filled(probe, names)
        url = path.replace("{table}", options.pop("table", "candidates"))
        url = url.replace("{function}", options.pop("function", "")).replace(
            "{proxy+}", f"{pair.theirs.name}/candidates"
        )
        headers = filled(DISGUISES, names) | options.pop("headers", {})
        for role in ("viewer", "editor", "admin"):
            answer = pair.mine.call(method.upper(), url, role, headers=headers, **options)
            assert not [value for value in theirs if value in answer.text], (url, probe)
            assert answer.status_code < 500
            # What asks for nothing of another's is served, so what is refused is not refused for its form alone.
            assert answer.status_code == 200 or probe or not path.startswith(ROOT), answer.text
            if path.startswith(ROOT):
                disguised = headers | filled(PROFILES, names)
                refused = pair.mine.call(method.upper(), url, role, headers=disguised, **options).status_code
                assert refused in ({404, 405, 406} if (path, method) in EDGES else {406}), url
    assert pair.theirs.rows() == rows


@pytest.mark.parametrize(("path", "method"), sorted(route for route in PROBES if route[0].startswith("/admin/")))
def test_the_operators_routes_are_nobodys_who_belongs_to_a_tenant(api: Api, path: str, method: str) -> None:
    before = api.names(THEIRS)
    url = path.replace("{tenant_id}", THEIRS).replace("{server_id}", "us-east-1")
    for probe in PROBES[path, method]:
        for role in ("viewer", "admin"):
            answer = api.call(method.upper(), url, api.token(MINE, role), headers={"X-Tenant-Id": THEIRS}, **probe)
            assert answer.status_code == 403, url
    assert api.names(THEIRS) == before


def test_token_no_role_of_mine_gets_a_row_of_theirs(pair: Pair) -> None:
    own = {row[0] for row in pair.mine.rows()}
    for role in ("viewer", "editor", "admin"):
        rows = pair.mine.call("GET", role=role).json()
        assert {row["name"] for row in rows} == own
        assert len(rows) == 3


def test_an_id_that_both_have_is_changed_for_me_alone(pair: Pair) -> None:
    """Two tenants have a row with the same key, in shared tables or in tables of their own."""
    key = {"id": "900001", "job_role": "Twin"}
    for tenant in (pair.mine, pair.theirs):
        row = key | {"name": f"{tenant.name} twin", "email": f"{tenant.name}-twin@example.com"}
        assert tenant.call("POST", json=row).status_code == 201
    try:
        changed = pair.mine.call("PATCH", params={"id": "eq.900001"}, json={"name": "changed"})
        assert changed.status_code == 204
        (kept,) = pair.theirs.call("GET", params={"id": "eq.900001"}).json()
        assert kept["name"] == f"{pair.theirs.name} twin"
        assert pair.mine.call("DELETE", params={"id": "eq.900001"}).status_code == 204
        assert len(pair.theirs.call("GET", params={"id": "eq.900001"}).json()) == 1
    finally:
        for tenant in (pair.mine, pair.theirs):
            tenant.call("DELETE", params={"id": "eq.900001"})


def tenant_keys(api: Api, role: str, tenant: str, bucket: str | None = None) -> dict[str, Any]:
    """Open a session as the worker itself does: called by the function with that role."""
    function = {"TenantDataRole": "QueryTenant", "TenantBackupRole": "BackUpTenant"}[role]
    sts = api.aws("sts", **api.as_role(api.role_of(function)))
    arn = api.aws("iam").get_role(RoleName=api.resource(role))["Role"]["Arn"]
    sessions = TenantSessions(sts, arn, "local", api.stack.region, bucket)
    return sessions.open(TenantId(tenant)).client_arguments


def code_of(call: Any, **arguments: Any) -> str:
    """Return the error code of a call that has to be refused."""
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


@pytest.mark.parametrize("function", ["QueryTenant", "BackUpTenant", "AuthorizeRequest", "PlanBackups", "GetHealth"])
def test_secret_no_functions_own_role_reads_any(api: Api, function: str) -> None:
    secrets = api.aws("secretsmanager", **api.as_role(api.role_of(function)))
    for tenant in (MINE, THEIRS):
        name = secret_name("local", TenantId(tenant))
        assert code_of(secrets.get_secret_value, SecretId=name) in {"AccessDeniedException", "AccessDenied"}


def test_errors_are_counted_for_the_tenant_of_the_token_and_for_no_other(api: Api, pair: Pair) -> None:
    before = errors_of(api, pair.mine.name)
    headers = filled(DISGUISES, {"theirs": pair.theirs.name})
    answer = pair.mine.call(
        "GET", f"{ROOT}/no_such_table", headers=headers, params={"tenant_id": f"eq.{pair.theirs.name}"}
    )
    assert answer.status_code == 404
    # What the function had counted already may wait to be written.
    assert errors_of(api, pair.mine.name) >= max(before, 1)
    assert errors_of(api, pair.theirs.name) == 0


def test_errors_are_added_by_the_data_path_and_read_by_rollouts(api: Api) -> None:
    errors, registry = api.resource("ErrorCountsTable"), api.stack.registry_table
    counting = api.aws("dynamodb", **api.as_role(api.role_of("QueryTenant")))
    reading = api.aws("dynamodb", **api.as_role(api.role_of("ConductRollout")))
    tenants = api.aws("dynamodb", **tenant_keys(api, "TenantDataRole", MINE))
    bucket = {":bucket": {"S": "2026-01-01T00:00Z"}}
    query = {"KeyConditionExpression": "bucket = :bucket", "ExpressionAttributeValues": bucket}
    key = {"bucket": bucket[":bucket"], "tenant_id": {"S": MINE}}
    update = {"UpdateExpression": "ADD errors :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    assert reading.query(TableName=errors, **query)["Items"] == []
    for client in (counting, tenants):
        assert code_of(client.query, TableName=errors, **query).startswith("AccessDenied")
        assert code_of(client.scan, TableName=errors).startswith("AccessDenied")
        assert code_of(client.get_item, TableName=registry, Key=REGISTERED).startswith("AccessDenied")
        assert code_of(client.update_item, TableName=registry, Key=REGISTERED, **update).startswith("AccessDenied")
    for client in (reading, tenants):
        assert code_of(client.update_item, TableName=errors, Key=key, **update).startswith("AccessDenied")
        assert code_of(client.delete_item, TableName=errors, Key=key).startswith("AccessDenied")


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
    """An event names a tenant, and the worker can reach no other."""
    data_only = tenant_keys(api, "TenantDataRole", MINE)
    s3 = api.aws("s3", **data_only)
    assert code_of(s3.put_object, Bucket=api.stack.backup_bucket, Key=f"tenants/{MINE}/backups/x", Body=b"x") == (
        "AccessDenied"
    )


def test_connection_cache_two_tenants_in_parallel_get_their_own_answers_only(pair: Pair) -> None:
    """Guards against answers that are mixed up between parallel callers."""
    own = {tenant.name: [row[0] for row in tenant.rows()] for tenant in (pair.mine, pair.theirs)}
    callers = [(tenant, role) for tenant in (pair.mine, pair.theirs) for role in ("viewer", "editor", "admin")] * 20

    def ask(caller: tuple[LivingTenant, str]) -> bool:
        tenant, role = caller
        answer = tenant.call("GET", role=role, params={"select": "name", "order": "id"})
        return answer.status_code == 200 and [row["name"] for row in answer.json()] == own[tenant.name]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(ask, callers))
    assert results == [True] * len(callers)
