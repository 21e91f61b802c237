"""Wires moves, promotions and clones, which `perform_operation` performs."""

import time
from typing import Any

from handlers.settings.operation import OperationSettings
from tenantry.aws.clients import aws_client
from tenantry.aws.registry import Registry
from tenantry.aws.secret_store import SecretStore
from tenantry.database.client_environment import CopyTools
from tenantry.database.connecting import ConnectSettings
from tenantry.operations.operations import Compensations, Workflows
from tenantry.relocation.workflow import relocation_workflows
from tenantry.servers.servers import Servers
from tenantry.tenants.onboarding import Onboarding, TenantOnboarding
from tenantry.tenants.usage_plans import UsagePlans
from tenantry.tenants.user_directory import UserDirectory

# Seconds before the function's timeout at which a copy is aborted: enough to compensate and to record the failure.
_CLEAN_UP_SECONDS = 60.0
_LONGEST_MILLISECONDS = 900_000


class Deadline:
    """The `time.monotonic()` by which a copy in the present invocation has to end."""

    def __init__(self) -> None:
        self._moment = 0.0

    def begin(self, context: Any) -> None:
        """Read the invocation's remaining time; outside Lambda, it is the longest that an invocation may have."""
        left = context.get_remaining_time_in_millis() if context else _LONGEST_MILLISECONDS
        self._moment = time.monotonic() + left / 1000 - _CLEAN_UP_SECONDS

    def __call__(self) -> float:
        """Return the deadline."""
        return self._moment


def wire_relocations(
    settings: OperationSettings, registry: Registry, servers: Servers, deadline: Deadline
) -> tuple[Workflows, Compensations]:
    """Wire the workflows of moves, promotions and clones, of confirming and of undoing them."""
    secrets = SecretStore(aws_client("secretsmanager", settings.region), settings.stage)
    tools = CopyTools(settings.pg_client_directory, settings.connect_timeout, settings.lock_timeout_ms)
    connect = ConnectSettings(settings.connect_timeout, application_name="tenantry-move")
    return relocation_workflows(registry, servers, secrets, tools, connect, deadline, new_onboarding(settings))


def new_onboarding(settings: OperationSettings) -> Onboarding:
    """Wire the onboarding that completes a restored or cloned tenant."""
    return TenantOnboarding(
        SecretStore(aws_client("secretsmanager", settings.region), settings.stage),
        UserDirectory(aws_client("cognito-idp", settings.region), settings.user_pool_id),
        UsagePlans(aws_client("apigateway", settings.region), settings.stage),
        settings.rotation_function_arn,
    ).complete
