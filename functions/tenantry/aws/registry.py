"""The registry: tenants and servers in one DynamoDB table.

Items have `pk` = kind (`TENANT`, `SERVER`, `FORMER`, `ERASED`) and `sk` = id, so that reading one is a GetItem and
reading all of a kind is a Query. An id that a tenant had before a rename has no `TENANT` item, but a `FORMER` item that
reserves it, and the id of a tenant that was erased has an `ERASED` item.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.data_api import DataApiSettings
from tenantry.domain.errors import DependencyFailed
from tenantry.domain.pooler import Pooler
from tenantry.domain.retention_policy import RetentionPolicy
from tenantry.domain.server import Server, ServerStatus
from tenantry.domain.tenant import (
    BackupFrequency,
    FormerId,
    Home,
    Isolation,
    LeftBehind,
    Limits,
    Tenant,
    TenantId,
    TenantStatus,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TENANT, _SERVER, _FORMER, _ERASED = "TENANT", "SERVER", "FORMER", "ERASED"
# Certificates of erasures: an id was erased before its tombstone was invented where there is one of these.
_CERTIFICATE = "CERTIFICATE"


class Registry:
    """Reads and writes the registry's items."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        """Take a client and the table's name."""
        self._dynamodb = dynamodb
        self._table = table

    def tenant(self, tenant_id: TenantId) -> Tenant | None:
        """Look a tenant up.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        item = self._get(_TENANT, tenant_id.value)
        return tenant_of(item) if item else None

    def tenants(self) -> Iterator[Tenant]:
        """Yield all tenants, ordered by id.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        return map(tenant_of, self._all(_TENANT))

    def put_tenant(self, tenant: Tenant) -> None:
        """Write a tenant's item, over the present one.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        self._put(_TENANT, tenant.tenant_id.value, _tenant_fields(tenant))

    def mark_over_quota(self, tenant_id: TenantId, *, is_over: bool) -> None:
        """Say of a tenant whether it takes up more than it may. Nothing else of its item is touched.

        A tenant that has gone meanwhile, or has been given another id, stays so.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        change: dict[str, Any] = {"UpdateExpression": "REMOVE over_quota"}
        if is_over:
            change = {"UpdateExpression": "SET over_quota = :yes", "ExpressionAttributeValues": {":yes": {"S": "yes"}}}
        self._update_tenant(tenant_id, change)

    def note_revision(self, tenant_id: TenantId, revision: str) -> None:
        """Write down at which revision a tenant's schema is. Nothing else of its item is touched.

        A tenant that has gone meanwhile, or has been given another id, stays so.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        values = {":revision": {"S": revision}}
        change: dict[str, Any] = {
            "UpdateExpression": "SET schema_revision = :revision",
            "ExpressionAttributeValues": values,
        }
        self._update_tenant(tenant_id, change if revision else {"UpdateExpression": "REMOVE schema_revision"})

    def delete_tenant(self, tenant_id: TenantId) -> None:
        """Delete a tenant's item; it is no error if there is none.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        self._delete(_TENANT, tenant_id.value)

    def former_id(self, tenant_id: TenantId) -> FormerId | None:
        """Look up whether a tenant had this id before a rename.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        item = self._get(_FORMER, tenant_id.value)
        return _former_id(item) if item else None

    def put_former_id(self, former: FormerId) -> None:
        """Reserve an id that a tenant had, so that no other tenant gets it.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        fields = {"successor": former.successor.value, "retired_at": former.retired_at.isoformat()}
        self._put(_FORMER, former.tenant_id.value, fields)

    def delete_former_id(self, tenant_id: TenantId) -> None:
        """Free a reserved id; it is no error if the id is not reserved.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        self._delete(_FORMER, tenant_id.value)

    def put_erased_id(self, tenant_id: TenantId, erased_at: datetime) -> None:
        """Keep the id of a tenant that was erased, so that nobody else ever gets it.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        self._put(_ERASED, tenant_id.value, {"erased_at": erased_at.isoformat()})

    def was_erased(self, tenant_id: TenantId) -> bool:
        """Tell whether a tenant of this id was erased.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        return self._get(_ERASED, tenant_id.value) is not None or self._has_certificate(tenant_id)

    def server(self, server_id: str) -> Server | None:
        """Look a server up.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        item = self._get(_SERVER, server_id)
        return server_of(item) if item else None

    def servers(self) -> Iterator[Server]:
        """Yield all servers, ordered by id.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        return map(server_of, self._all(_SERVER))

    def put_server(self, server: Server) -> None:
        """Write a server's item, over the present one.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        fields = {
            "region": server.region,
            "host": server.host,
            "port": str(server.port),
            "sslmode": server.sslmode,
            "max_tenants": str(server.max_tenants),
            "status": server.status.value,
        }
        # DynamoDB accepts no empty set, and the authority's certificate is optional.
        optional = {
            "labels": " ".join(sorted(server.labels)),
            "sslrootcert": server.sslrootcert or "",
            "monthly_price": "" if server.monthly_price is None else str(server.monthly_price),
            "backup_concurrency": str(server.backup_concurrency or ""),
            "pooler_port": str(server.pooler.port) if server.pooler else "",
            "pooler_host": (server.pooler.host if server.pooler else None) or "",
            "pool_size": str(server.pool_size or ""),
        }
        self._put(_SERVER, server.server_id, fields | {name: value for name, value in optional.items() if value})

    def delete_server(self, server_id: str) -> None:
        """Delete a server's item; it is no error if there is none.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        self._delete(_SERVER, server_id)

    def _update_tenant(self, tenant_id: TenantId, change: dict[str, Any]) -> None:
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"pk": {"S": _TENANT}, "sk": {"S": tenant_id.value}},
                ConditionExpression="attribute_exists(pk)",
                **change,
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

    def _get(self, kind: str, name: str) -> Any:
        try:
            return self._dynamodb.get_item(
                TableName=self._table, Key={"pk": {"S": kind}, "sk": {"S": name}}, ConsistentRead=True
            ).get("Item")
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

    def _has_certificate(self, tenant_id: TenantId) -> bool:
        try:
            answer = self._dynamodb.query(
                TableName=self._table,
                KeyConditionExpression="pk = :kind AND begins_with(sk, :tenant)",
                ExpressionAttributeValues={":kind": {"S": _CERTIFICATE}, ":tenant": {"S": f"{tenant_id}#"}},
                ConsistentRead=True,
                Limit=1,
            )
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc
        return bool(answer["Items"])

    def _all(self, kind: str) -> Iterator[Any]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :kind",
            ExpressionAttributeValues={":kind": {"S": kind}},
        )
        try:
            for page in pages:
                yield from page["Items"]
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

    def _delete(self, kind: str, name: str) -> None:
        try:
            self._dynamodb.delete_item(TableName=self._table, Key={"pk": {"S": kind}, "sk": {"S": name}})
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

    def _put(self, kind: str, name: str, fields: dict[str, str]) -> None:
        item: dict[str, Any] = {"pk": {"S": kind}, "sk": {"S": name}}
        item |= {key: {"S": value} for key, value in fields.items()}
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item)
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc


def _tenant_fields(tenant: Tenant) -> dict[str, str]:
    fields = {"status": tenant.status.value, "isolation": tenant.isolation.value, "server_id": tenant.server_id}
    optional = {
        "region": tenant.region,
        "schema_revision": tenant.schema_revision,
        "adopted_database": tenant.adopted_database,
        "adopted_user": tenant.adopted_user,
        "limits": json.dumps(asdict(tenant.limits)),
        "usage_key": tenant.usage_key,
        "backups": tenant.backups.value,
        "former_home": json.dumps(asdict(tenant.former_home)) if tenant.former_home else "",
        "relocation": tenant.relocation,
        "former_ids": " ".join(former.value for former in tenant.former_ids),
        "retention": json.dumps(asdict(tenant.retention)) if tenant.retention else "",
        "data_api": tenant.data_api.to_context(),
        "known_since": tenant.known_since.isoformat() if tenant.known_since else "",
        "over_quota": "yes" if tenant.over_quota else "",
        "left_behind": json.dumps([_left_fields(left) for left in tenant.left_behind]) if tenant.left_behind else "",
    }
    return fields | {name: value for name, value in optional.items() if value}


def tenant_of(item: Any) -> Tenant:
    """Read a tenant's item."""
    fields = {name: next(iter(value.values())) for name, value in item.items()}
    return Tenant(
        tenant_id=TenantId(fields["sk"]),
        status=TenantStatus(fields["status"]),
        isolation=Isolation(fields["isolation"]),
        server_id=fields["server_id"],
        region=fields.get("region", ""),
        schema_revision=fields.get("schema_revision", ""),
        adopted_database=fields.get("adopted_database", ""),
        adopted_user=fields.get("adopted_user", ""),
        # A tenant from before there were quotas has none until an operator gives it one.
        limits=Limits(**{"max_bytes": 0} | json.loads(fields.get("limits", "{}"))),
        usage_key=fields.get("usage_key", ""),
        backups=BackupFrequency(fields.get("backups", BackupFrequency.DAILY)),
        former_home=_home(fields["former_home"]) if "former_home" in fields else None,
        relocation=fields.get("relocation", ""),
        former_ids=tuple(map(TenantId, fields.get("former_ids", "").split())),
        retention=RetentionPolicy(**json.loads(fields["retention"])) if "retention" in fields else None,
        data_api=DataApiSettings.from_context(fields.get("data_api", "{}")),
        known_since=datetime.fromisoformat(fields["known_since"]) if "known_since" in fields else None,
        over_quota="over_quota" in fields,
        left_behind=tuple(_left(found) for found in json.loads(fields.get("left_behind", "[]"))),
    )


def _left_fields(left: LeftBehind) -> dict[str, str]:
    return asdict(left.home) | {"tenant_id": left.tenant_id.value}


def _left(fields: dict[str, str]) -> LeftBehind:
    whose = TenantId(fields.pop("tenant_id"))
    return LeftBehind(whose, _home(json.dumps(fields)))


def _former_id(item: Any) -> FormerId:
    fields = {name: value["S"] for name, value in item.items()}
    return FormerId(TenantId(fields["sk"]), TenantId(fields["successor"]), datetime.fromisoformat(fields["retired_at"]))


def _home(text: str) -> Home:
    fields = json.loads(text)
    return Home(**fields | {"isolation": Isolation(fields["isolation"])})


def server_of(item: Any) -> Server:
    """Read a server's item."""
    fields = {name: next(iter(value.values())) for name, value in item.items()}
    return Server(
        server_id=fields["sk"],
        region=fields["region"],
        host=fields["host"],
        port=int(fields["port"]),
        sslmode=fields["sslmode"],
        sslrootcert=fields.get("sslrootcert"),
        labels=frozenset(fields.get("labels", "").split()),
        max_tenants=int(fields.get("max_tenants", "1000")),
        status=ServerStatus(fields.get("status", "active")),
        monthly_price=Decimal(fields["monthly_price"]) if "monthly_price" in fields else None,
        backup_concurrency=int(fields["backup_concurrency"]) if "backup_concurrency" in fields else None,
        pooler=Pooler(int(fields["pooler_port"]), fields.get("pooler_host")) if "pooler_port" in fields else None,
        pool_size=int(fields["pool_size"]) if "pool_size" in fields else None,
    )


def registry_unavailable() -> DependencyFailed:
    """Make the error for a DynamoDB that did not answer."""
    return DependencyFailed("The registry of tenants could not be read or written.", code="registry_unavailable")
