"""The isolation report: isolated tenants pass, and everything that could not be checked is listed."""

import json
import socket
import time
from dataclasses import replace
from datetime import timedelta

from tenantry.aws.secret_store import ServerSecrets
from tenantry.domain.credentials import Credentials
from tenantry.domain.server import Server
from tenantry.domain.tenant import Home, Isolation, Tenant, TenantId, TenantStatus
from tenantry.homes.exposure import Exposure
from tenantry.reports.isolation.findings import Hole, Severity
from tests.integration.conftest import REGION, TABLE, World
from tests.integration.reports.isolation.conftest import SERVER, Audit, holes


def test_tenants_that_are_isolated_pass(world: World, audit: Audit) -> None:
    report = audit()
    assert (report.findings, report.unchecked, report.passed) == ([], [], True)
    assert report.tenants == 2
    assert set(report.attempts_by_tenant) == {tenant.value for tenant in world.tenants}
    assert sum(report.attempts_by_server.values()) == report.attempts > 50
    assert (report.pairs, report.pairs_tried) == (2, 2)
    assert report.started_at.endswith("+00:00")
    # Of many, as many as are chosen: none here.
    few = audit(each=0)
    assert (few.pairs, few.pairs_tried, few.passed) == (2, 0, True)
    assert few.attempts < report.attempts
    assert json.loads(json.dumps(report.to_json()))["passed"] is True


def test_an_exposed_schema_is_no_finding(world: World, audit: Audit) -> None:
    tenant, other = world.tenants
    home = Home(SERVER, Isolation.DATABASE, tenant.value, "public")
    world.execute("CREATE SCHEMA api; CREATE TABLE api.notes ()", tenant.value, f"{tenant}_owner")
    try:
        Exposure(world.admin, tenant, home).change(["public", "api"], [])
        assert audit().findings == []
        # Which is looked at: there another tenant's role is one.
        world.execute(f'GRANT USAGE ON SCHEMA api TO "{other}_viewer"', tenant.value)
        assert holes(audit()) == {(Hole.FOREIGN_GRANT, other.value, tenant.value)}
    finally:
        world.execute("DROP SCHEMA api CASCADE", tenant.value)


def test_the_worst_comes_first_and_nothing_of_a_secret_is_told(world: World, audit: Audit) -> None:
    first, second = world.tenants
    world.execute(f'ALTER ROLE "{first}_login_a" SUPERUSER; GRANT CONNECT ON DATABASE "{second}" TO PUBLIC')
    try:
        report = audit(max_age=timedelta(0))
    finally:
        world.execute(f'ALTER ROLE "{first}_login_a" NOSUPERUSER; REVOKE CONNECT ON DATABASE "{second}" FROM PUBLIC')
    severities = [finding.severity for finding in report.findings]
    assert severities == sorted(severities, key=list(Severity).index)
    assert {Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM} == set(severities)
    text = json.dumps(report.to_json())
    for credentials in world.credentials.values():
        assert credentials.password not in text
        assert credentials.host not in text
        assert f'"{credentials.port}"' not in text
    assert world.server.admin_password not in text


def test_a_secret_that_is_overdue_for_rotation_is_found(world: World, audit: Audit) -> None:
    report = audit(max_age=timedelta(0))
    assert holes(report) == {(Hole.ROTATION_OVERDUE, tenant.value, "") for tenant in world.tenants}


def test_a_tenant_that_can_not_log_in_is_listed_and_the_rest_is_checked(world: World, audit: Audit) -> None:
    first, second = world.tenants
    mine = world.credentials[first]
    world.secrets.write(first, replace(mine, password="another"))
    world.execute(f'GRANT CONNECT ON DATABASE "{first}" TO PUBLIC')
    try:
        report = audit()
    finally:
        world.execute(f'REVOKE CONNECT ON DATABASE "{first}" FROM PUBLIC')
        world.secrets.write(first, mine)
    assert [(item.tenant, item.code) for item in report.unchecked] == [(first.value, "28P01")]
    assert (Hole.LOGIN_ACCEPTED, second.value, first.value) in holes(report)


def test_a_tenant_without_credentials_is_listed(world: World, audit: Audit) -> None:
    world.registry.put_tenant(Tenant(TenantId("half-made"), TenantStatus.PROVISIONING, Isolation.DATABASE, SERVER))
    try:
        report = audit()
    finally:
        world.registry.delete_tenant(TenantId("half-made"))
    assert [(item.tenant, item.code) for item in report.unchecked] == [("half-made", "credentials_missing")]
    assert (report.findings, report.passed) == ([], False)


def test_a_server_whose_administrator_is_not_known_stops_nothing_else(world: World, audit: Audit) -> None:
    world.registry.put_server(Server("elsewhere", REGION, world.server.host, world.server.port, sslmode="disable"))
    try:
        report = audit()
    finally:
        world.registry._dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "SERVER"}, "sk": {"S": "elsewhere"}})
    assert [(item.server, item.tenant, item.code) for item in report.unchecked] == [("elsewhere", "", "server_unknown")]
    assert report.findings == []


def test_a_server_that_does_not_answer_is_asked_once_by_each_tenant(
    world: World, audit: Audit, administrators: ServerSecrets
) -> None:
    with socket.socket() as reserved:  # bound and not listening: connections to it are refused
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        world.registry.put_server(Server("silent", REGION, world.server.host, port, sslmode="disable"))
        login = Credentials(world.server.host, port, "postgres", "administrator", "not asked for", "disable")
        administrators.write("silent", login)
        try:
            report = audit()
        finally:
            world.registry._dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "SERVER"}, "sk": {"S": "silent"}})
    silent = [item.tenant for item in report.unchecked if item.code == "08001"]
    assert sorted(silent) == sorted(["", *(tenant.value for tenant in world.tenants)])
    assert report.findings == []


def test_when_time_is_up_what_was_not_tried_is_listed(world: World, audit: Audit) -> None:
    report = audit(deadline=time.monotonic() - 1)
    assert {(item.tenant, item.code) for item in report.unchecked} == {(t.value, "out_of_time") for t in world.tenants}
    assert not report.passed
