"""Lists of tenants and servers, page by page."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.registry import registry_unavailable, server_of, tenant_of
from tenantry.aws.registry_pages import CONTAINS, DIFFERS, HIGHEST, LACKS, LOWEST, Condition, Span, read_page
from tenantry.domain.limits import PLANS
from tenantry.domain.paging import Page, PageRequest
from tenantry.domain.server import Server, ServerStatus
from tenantry.domain.tenant import Isolation, Limits, Tenant, TenantStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TENANT, _SERVER = "TENANT", "SERVER"
# DynamoDB looks no more up at once.
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class TenantFilter:
    """Which tenants: empty fields and None mean any. `region` is where a tenant's data has to stay."""

    prefix: str = ""
    status: TenantStatus | None = None
    server: str = ""
    plan: str = ""
    region: str = ""
    isolation: Isolation | None = None

    @property
    def span(self) -> Span:
        """Say where in the registry they are."""
        return _span(_TENANT, self.prefix, self._conditions())

    def _conditions(self) -> Iterator[Condition]:
        if self.status:
            yield Condition("status", self.status.value)
        if self.server:
            yield Condition("server_id", self.server)
        if self.plan == Limits().plan:
            # The limits of an item of an early version name no plan.
            yield from (Condition("limits", _named(plan), LACKS) for plan in PLANS if plan != self.plan)
        elif self.plan:
            yield Condition("limits", _named(self.plan), CONTAINS)
        if self.region:
            yield Condition("region", self.region)
        if self.isolation:
            yield Condition("isolation", self.isolation.value)


@dataclass(frozen=True, slots=True)
class ServerFilter:
    """Which servers: empty fields and None mean any."""

    prefix: str = ""
    status: ServerStatus | None = None
    region: str = ""
    label: str = ""

    @property
    def span(self) -> Span:
        """Say where in the registry they may be: a label is looked for among others, so `is_of` decides."""
        return _span(_SERVER, self.prefix, self._conditions())

    def is_of(self, server: Server) -> bool:
        """Tell whether a server has the label."""
        return not self.label or self.label in server.labels

    def _conditions(self) -> Iterator[Condition]:
        if self.status is ServerStatus.ACTIVE:
            # An item of an early version has no status.
            yield from (Condition("status", other.value, DIFFERS) for other in ServerStatus if other != self.status)
        elif self.status:
            yield Condition("status", self.status.value)
        if self.region:
            yield Condition("region", self.region)
        if self.label:
            yield Condition("labels", self.label, CONTAINS)


class RegistryLists:
    """Reads pages of what the registry knows, by id."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        """Take the registry's table."""
        self._dynamodb = dynamodb
        self._table = table

    def tenants(self, wanted: TenantFilter, request: PageRequest) -> Page[Tenant]:
        """Read a page of tenants.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        return read_page(self._dynamodb, self._table, wanted.span, request).map(tenant_of)

    def named(self, names: Iterable[str]) -> dict[str, Tenant]:
        """Look tenants up by their ids, a hundred at once; those that there are not are left out.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        found: dict[str, Tenant] = {}
        for some in batched(dict.fromkeys(names), _AT_ONCE, strict=False):
            keys = [{"pk": {"S": _TENANT}, "sk": {"S": name}} for name in some]
            # What DynamoDB has had no time for is left out, too.
            try:
                answer = self._dynamodb.batch_get_item(
                    RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
                )
            except (ClientError, BotoCoreError) as exc:
                raise registry_unavailable() from exc
            tenants = map(tenant_of, answer["Responses"].get(self._table, []))
            found |= {tenant.tenant_id.value: tenant for tenant in tenants}
        return found

    def servers(self, wanted: ServerFilter, request: PageRequest) -> Page[Server]:
        """Read a page of servers.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        page = read_page(self._dynamodb, self._table, wanted.span, request).map(server_of)
        return Page(tuple(filter(wanted.is_of, page.items)), page.after)


def _span(kind: str, prefix: str, conditions: Iterator[Condition]) -> Span:
    low, high = (prefix, f"{prefix}{HIGHEST}") if prefix else (LOWEST, HIGHEST)
    return Span(kind, low, high, conditions=tuple(conditions))


def _named(plan: str) -> str:
    """Write a plan as a tenant's limits are stored."""
    return f'"plan": {json.dumps(plan)}'
