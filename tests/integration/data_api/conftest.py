"""A tenant that an operator has made, with a second schema in its database."""

import uuid
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest

from tenantry.domain.tenant import TenantId
from tests.integration.conftest import Reply, World
from tests.integration.tenants.test_administration import Operator, operator

__all__ = ["operator"]

API = """
CREATE SCHEMA api;
CREATE TABLE api.before (id serial PRIMARY KEY, note text);
INSERT INTO api.before (note) VALUES ('one');
"""


@dataclass
class Subject:
    """The tenant, and actions on it."""

    operator: Operator
    tenant_id: TenantId

    @property
    def world(self) -> World:
        return self.operator.world

    def set(self, **settings: Any) -> Reply:
        return self.operator.call("PUT", f"/admin/v1/tenants/{self.tenant_id}/data-api", settings)

    def shown(self) -> Any:
        return self.operator.call("GET", f"/admin/v1/tenants/{self.tenant_id}").json["data_api"]

    def run(self, statement: str, role: str = "owner") -> list[Any]:
        """Run a statement as one of the tenant's roles, in its database."""
        return self.world.execute(statement, self.tenant_id.value, f"{self.tenant_id}_{role}")

    def is_let(self, statement: str, role: str) -> bool:
        try:
            self.run(statement, role)
        except psycopg2.errors.InsufficientPrivilege:
            return False
        return True


@pytest.fixture
def subject(operator: Operator) -> Subject:
    made = Subject(operator, TenantId(f"d{uuid.uuid4().hex[:10]}"))
    assert operator.create(made.tenant_id.value).status == 201
    made.run(API)
    return made
