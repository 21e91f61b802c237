"""The isolation report knows what adoption made on purpose, and nothing beyond it."""

from dataclasses import replace

import pytest

from tenantry.reports.isolation.findings import Hole
from tests.integration.conftest import World
from tests.integration.reports.isolation.conftest import SERVER, Audit, administrators, audit, holes, postgres
from tests.integration.tenants.adoption.conftest import Legacy

__all__ = ["SERVER", "administrators", "audit", "postgres"]


@pytest.mark.parametrize("user", ["{name}_app", "somebody", "app of {name}", "{other}_app"])
def test_the_report_passes_with_adopted_tenants(
    world: World, audit: Audit, legacy: Legacy, monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    """An ordinary database is adopted, whatever its application's login is called: the report passes."""
    rename(world, legacy, monkeypatch, user.format(name=legacy.name, other=world.tenants[0]))
    legacy.adopt()
    report = audit()
    assert (report.findings, report.unchecked) == ([], [])
    forget_user(legacy)
    assert not audit().passed
    legacy.adopt()
    assert audit().passed


@pytest.mark.parametrize(
    ("attack", "hole"),
    [
        ('GRANT "{owner}" TO "{other}_login_a"', Hole.FOREIGN_MEMBERSHIP),
        ('GRANT "{other}_owner" TO "{user}"', Hole.FOREIGN_MEMBERSHIP),
        ('GRANT "{owner}" TO stranger', Hole.FOREIGN_MEMBERSHIP),
        ('ALTER ROLE "{user}" CREATEROLE', Hole.ROLE_ATTRIBUTE),
        ('GRANT CONNECT ON DATABASE "{name}" TO PUBLIC', Hole.PUBLIC_CONNECT),
    ],
)
def test_what_adoption_did_not_make_is_found(
    world: World, audit: Audit, legacy: Legacy, attack: str, hole: Hole
) -> None:
    """Beside what adoption made, somebody opens a wall of an adopted tenant: that is found."""
    world.execute("CREATE ROLE stranger LOGIN")
    try:
        legacy.adopt()
        names = {"owner": f"{legacy.name}_owner", "user": legacy.user, "name": legacy.name, "other": world.tenants[0]}
        world.execute(attack.format(**names))
        assert hole in {what for what, _, _ in holes(audit())}
    finally:
        world.execute(f'REVOKE "{world.tenants[0]}_owner" FROM "{legacy.user}"')
        world.execute("DROP ROLE stranger")


def rename(world: World, legacy: Legacy, monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    if user != legacy.user:
        world.execute(f'ALTER ROLE "{legacy.user}" RENAME TO "{user}"')
    monkeypatch.setattr(Legacy, "user", property(lambda _: user))
    roles = f"SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{legacy.name}_') OR rolname = '{user}'"
    monkeypatch.setattr(Legacy, "roles", lambda _: world.execute(roles))


def forget_user(legacy: Legacy) -> None:
    """As of a tenant that was adopted before that was kept."""
    tenant = legacy.world.registry.tenant(legacy.tenant_id)
    assert tenant
    assert tenant.adopted_user == legacy.user
    legacy.world.registry.put_tenant(replace(tenant, adopted_user=""))
