"""Wires what takes tenants from one home to another, which `perform_operation` performs."""

import time
from dataclasses import replace
from typing import Any

from handlers.settings.operation import OperationSettings
from tenantry.access.rotation import rotation_schedule
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.database.client_environment import CopyTools
from tenantry.database.connecting import ConnectSettings
from tenantry.domain.tenant import Tenant
from tenantry.operations.operations import Recipes, Remedies
from tenantry.relocation.clone_steps import Equip
from tenantry.relocation.workflow import relocation_recipes
from tenantry.servers.servers import Servers
from tenantry.tenants.usage_plans import UsagePlans
from tenantry.tenants.user_directory import UserDirectory

# What is left of the function's time when a copy is ended: enough to take back what was begun, and to say so.
_CLEAN_UP_SECONDS = 60.0
_LONGEST_MILLISECONDS = 900_000


class Deadline:
    """The moment, of `time.monotonic()`, at which a copy of the present invocation has to have ended."""

    def __init__(self) -> None:
        self._moment = 0.0

    def begin(self, context: Any) -> None:
        """Take the time that this invocation has; what is no invocation has as long as one may have."""
        left = context.get_remaining_time_in_millis() if context else _LONGEST_MILLISECONDS
        self._moment = time.monotonic() + left / 1000 - _CLEAN_UP_SECONDS

    def __call__(self) -> float:
        """Tell the moment."""
        return self._moment


def wire_relocations(
    settings: OperationSettings, registry: Registry, servers: Servers, deadline: Deadline
) -> tuple[Recipes, Remedies]:
    """List the steps of moves, promotions and clones, and of what becomes of them."""
    secrets = SecretStore(aws_client("secretsmanager", settings.region), settings.stage)
    tools = CopyTools(settings.pg_client_directory, settings.connect_timeout, settings.lock_timeout_ms)
    connect = ConnectSettings(settings.connect_timeout, application_name="tenantry-move")
    return relocation_recipes(registry, servers, secrets, tools, connect, deadline, new_equipment(settings))


def new_equipment(settings: OperationSettings) -> Equip:
    """Say what a new tenant gets beside its home: its usage key, its rotation and (by address) its first user."""
    secrets = SecretStore(aws_client("secretsmanager", settings.region), settings.stage)
    users = UserDirectory(aws_client("cognito-idp", settings.region), settings.user_pool_id)
    usage_plans = UsagePlans(aws_client("apigateway", settings.region), settings.stage)

    def equip(tenant: Tenant, admin_email: str) -> Tenant:
        usage_key = usage_plans.ensure(tenant.tenant_id, tenant.limits.plan)
        if settings.rotation_function_arn:
            secrets.schedule_rotation(
                tenant.tenant_id, settings.rotation_function_arn, rotation_schedule(tenant.tenant_id)
            )
        if admin_email:
            users.ensure_admin(tenant.tenant_id, admin_email)
        return replace(tenant, usage_key=usage_key)

    return equip
