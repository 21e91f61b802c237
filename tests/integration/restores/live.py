"""What of a tenant is live, as PostgreSQL's own tools see it."""

import subprocess

from tenantry.domain.tenant import Isolation, TenantId
from tests.integration.relocation.conftest import BINARIES
from tests.integration.restores.conftest import Vault


def main(vault: Vault, tenant: TenantId) -> str:
    return str(vault.credentials(tenant).schema)


def dump(vault: Vault, tenant: TenantId, *options: str) -> str:
    """Dump what is live as text, by pg_dump itself: definitions, rights, comments and, without options, rows."""
    secret = vault.credentials(tenant)
    schemas = [f"--schema={main(vault, tenant)}"] if vault.home(tenant).isolation is Isolation.SCHEMA else []
    server = next(s for s in vault.postgres.values() if s.port == secret.port)
    names = {"PGHOST": server.host, "PGPORT": str(server.port), "PGUSER": server.admin_user}
    command = [str(BINARIES / "pg_dump"), *schemas, "--exclude-schema=re*ed_*", *options, "-d", secret.dbname]
    environment = names | {"PGPASSWORD": server.admin_password}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60)
    return "\n".join(line for line in done.stdout.splitlines() if "restrict " not in line)


def rows(vault: Vault, tenant: TenantId, schema: str, table: str) -> list[object]:
    quoted = table.replace('"', '""')
    # Rows as text with plain names: what is named by its schema is another type there.
    only = "ONLY" if table == "par" else ""
    return vault.run_as(tenant, f'SELECT to_jsonb(t)::text FROM {only} "{schema}"."{quoted}" t ORDER BY 1')
