"""An adoption that was cut off at any step is finished by the next call."""

from contextlib import closing

import pytest

from tenantry.domain.errors import DependencyFailed
from tenantry.domain.tenant import TenantStatus
from tests.integration.tenants.adoption.conftest import Legacy, names

STEPS = ["put_tenant", "find", "make_roles", "adopt_database", "write"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_call_that_was_cut_is_finished_by_the_next(legacy: Legacy, step: str, after: bool) -> None:
    with pytest.raises(DependencyFailed):
        legacy.adopt(step, after=after)
    assert legacy.status() in {TenantStatus.PROVISIONING, None}
    with closing(legacy.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO people (name) VALUES ('Edith')")
    legacy.adopt()
    assert legacy.status() is TenantStatus.ACTIVE
    assert names(legacy.world, legacy.tenant_id) == ["Ada", "Grace"]
    stored = legacy.world.secrets.find(legacy.tenant_id)
    legacy.adopt()
    assert legacy.world.secrets.find(legacy.tenant_id) == stored


def test_a_call_that_was_cut_after_its_secret_took_the_place_of_the_hand_made_one_is_finished(legacy: Legacy) -> None:
    with pytest.raises(DependencyFailed):
        legacy.adopt("write", after=True)
    stored = legacy.world.secrets.find(legacy.tenant_id)
    assert stored
    legacy.adopt(user=stored.username, password=stored.password)
    assert legacy.status() is TenantStatus.ACTIVE
    assert legacy.world.secrets.find(legacy.tenant_id) == stored
