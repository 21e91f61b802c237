"""A schema keeps its name wherever it goes, because functions spell it; where it can't, nothing is begun."""

import pytest

from tenantry.domain.errors import Conflict
from tenantry.domain.tenant import Isolation, TenantId
from tenantry.relocation.clone_requests import CloneOrder
from tenantry.tenants.rename_checks import check_renaming
from tests.integration.homes.conftest import new_id
from tests.integration.relocation.conftest import Yard
from tests.integration.restores.naming import DAMAGE, NAMING, STATE


def spelled(script: str, tenant: TenantId) -> str:
    return script.replace("{s}", tenant.value)


def test_a_schema_goes_to_another_server_and_becomes_a_database(yard: Yard) -> None:
    """Triggers, checks, defaults, generated columns and materialized views find the tenant's own there, and back."""
    tenant = yard.add(Isolation.SCHEMA)
    yard.run_as(tenant, spelled(NAMING, tenant))
    before = yard.run_as(tenant, spelled(STATE, tenant))
    yard.perform_well(yard.relocations.move(tenant, "there", "op-1"))
    assert yard.run_as(tenant, spelled(STATE, tenant)) == before
    yard.run_as(tenant, spelled(DAMAGE, tenant))
    changed = yard.run_as(tenant, spelled(STATE, tenant))
    # Definitions and rows are brought along.
    yard.perform_well(yard.relocations.undo(tenant, "op-1"))
    assert yard.run_as(tenant, spelled(STATE, tenant)) == changed
    yard.perform_well(yard.relocations.promote(tenant, Isolation.DATABASE, "op-1"))
    assert yard.credentials(tenant).dbname == tenant.value
    assert yard.run_as(tenant, spelled(STATE, tenant)) == changed
    insert = "INSERT INTO sales (amount) VALUES (6) RETURNING kind, level, note"
    assert yard.run_as(tenant, insert) == [(f"{tenant} of 2", 0, "7")]
    copy = new_id("m")
    yard.made.append(copy)
    yard.perform_well(yard.relocations.confirm(tenant, "op-1"))
    yard.perform_well(yard.clones.start(CloneOrder(tenant, copy), "op-1"))
    assert yard.run_as(copy, spelled(STATE, tenant))[0][1:3] == (16, 7)


def test_a_rename_that_functions_would_not_survive_is_refused(yard: Yard) -> None:
    tenant, plain = yard.add(Isolation.SCHEMA), yard.add(Isolation.SCHEMA)
    yard.run_as(tenant, spelled(NAMING, tenant))
    # What PostgreSQL keeps by number, and words that only begin alike.
    yard.run_as(
        plain,
        spelled(
            """CREATE TABLE sales (i int CHECK (i > 0), d text DEFAULT '{s}z {s}_z'); CREATE SEQUENCE counter;
            ALTER TABLE sales ADD id bigint DEFAULT nextval('{s}.counter');
            CREATE FUNCTION total() RETURNS bigint BEGIN ATOMIC SELECT sum(i) FROM {s}.sales; END;
            CREATE FUNCTION other() RETURNS text LANGUAGE sql AS 'SELECT ''a{s}.b''';
            CREATE VIEW v AS SELECT {s}.total(), '{s}.sales'::regclass FROM {s}.sales;
            CREATE POLICY p ON sales USING ({s}.total() > 0); CREATE INDEX ON sales (({s}.sales.i + 1));
            CREATE RULE r AS ON DELETE TO {s}.sales DO INSTEAD UPDATE {s}.sales SET i = 1;
            CREATE TABLE parts (i int) PARTITION BY RANGE (i);
            CREATE TABLE part PARTITION OF {s}.parts FOR VALUES FROM (1) TO (2)""",
            plain,
        ),
    )

    def check(whose: TenantId) -> bool:
        world = yard.world
        new = new_id("m")
        return bool(
            check_renaming(whose, new, "", registry=world.registry, secrets=world.secrets, servers=yard.servers)
        )

    assert check(plain)
    with pytest.raises(Conflict) as refusal:
        check(tenant)
    assert refusal.value.code == "schema_named"
    assert "function total" in str(refusal.value.details)
    for kept_as_text in (
        f"CREATE VIEW w AS SELECT to_regclass('{plain}.sales')",
        f"CREATE FUNCTION w() RETURNS int LANGUAGE sql SET search_path = {plain} RETURN 1",
        f"CREATE POLICY w ON sales USING (current_setting('search_path') = '{plain}')",
        f"ALTER TABLE sales ALTER d SET DEFAULT 'of {plain.value.upper()}'",
        f"CREATE DOMAIN w AS text CHECK (VALUE <> '{plain}')",
        f"CREATE RULE w AS ON INSERT TO sales DO ALSO NOTIFY w, '{plain}'",
        f"CREATE INDEX w ON sales (i) WHERE d <> '{plain}'",
    ):
        yard.run_as(plain, f"BEGIN; {kept_as_text}; COMMIT")
        with pytest.raises(Conflict) as refusal:
            check(plain)
        assert refusal.value.code == "schema_named", kept_as_text
        for drop in ("VIEW w", "FUNCTION w", "POLICY w ON sales", "DOMAIN w", "RULE w ON sales", "INDEX w"):
            kind, _, rest = drop.partition(" ")
            if f"CREATE {kind} " in kept_as_text:
                yard.run_as(plain, f"DROP {kind} {rest}")
        yard.run_as(plain, "ALTER TABLE sales ALTER d DROP DEFAULT")
        assert check(plain), kept_as_text
