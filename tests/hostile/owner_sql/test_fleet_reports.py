"""Reports over the fleet say what is so, whatever a tenant makes of its own database."""

import csv
import io
from collections.abc import Iterator

import pytest

from local.postgres_server import PostgresServer
from tenantry.reports.backups import as_csv
from tenantry.reports.connections import ConnectionBudget, Verdict
from tenantry.reports.drift.findings import Drift
from tests.integration.reports.conftest import ACME, UMBRELLA, Fleet, fleet, references
from tests.integration.reports.cost.test_cost import estimate, of, size
from tests.postgres import temporary_postgres

# What the two logins for a tenant's backups may open, beside its own.
FOR_BACKUPS = 2 * 6

__all__ = ["fleet", "references"]

# What answers for PostgreSQL's own, where names are looked up in a tenant's schema first or as well.
SHADOWS = """
CREATE FUNCTION public.current_setting(text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'umbrella'::text $$;
CREATE FUNCTION public.current_setting(varchar, boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'umbrella'::text $$;
CREATE FUNCTION public.pg_database_size(text) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
CREATE FUNCTION public.to_regclass(varchar) RETURNS regclass LANGUAGE sql AS $$ SELECT NULL::regclass $$;
CREATE FUNCTION public.same(oid, regclass) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = public.same);
GRANT USAGE ON SCHEMA public TO acme_login_a, acme_login_b;
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server of this module's own."""
    with temporary_postgres("for hostile fleets") as server:
        yield server


def test_functions_of_a_tenants_own_change_no_report(fleet: Fleet) -> None:
    """Makes functions that answer in the place of PostgreSQL's own: drift and cost say what they said before."""
    fleet.execute(SHADOWS, "acme", "acme_owner")
    report = fleet.drift()
    assert (report.findings, report.unchecked) == ([], [])
    assert of(estimate(fleet), ACME)["data_bytes"] == size(fleet, "acme")


@pytest.mark.parametrize("flag", ["IS_TEMPLATE true", "CONNECTION LIMIT 0"])
def test_what_an_owner_does_to_its_database_is_no_loss_of_it(fleet: Fleet, flag: str) -> None:
    """Makes its database a template, or closes it: it is not missing, and nothing is found of its neighbour."""
    fleet.execute(f"ALTER DATABASE acme {flag}", role="acme_owner")
    report = fleet.drift()
    assert Drift.DATABASE_MISSING not in {finding.kind for finding in report.findings}
    assert {finding.tenant for finding in report.findings} | {item.tenant for item in report.unchecked} == {"acme"}
    cost = of(estimate(fleet), UMBRELLA)
    assert cost["data_bytes"] == size(fleet, "umbrella")


def test_a_tenant_that_may_fill_a_server_by_itself_is_told(fleet: Fleet) -> None:
    """Opens as many sessions as both of its logins may: where that is all that a server has, the report says so."""
    budget = ConnectionBudget(fleet.registry, fleet.secrets, fleet.administrators, 5, 1)
    (before,) = budget.run().servers
    most = before.available or 0
    fleet.execute(f"ALTER ROLE acme_login_a CONNECTION LIMIT {most}; ALTER ROLE acme_login_b CONNECTION LIMIT {most}")
    (after,) = budget.run().servers
    assert (before.verdict, before.possible_by_one) == (Verdict.FITS, 2 * 50 + FOR_BACKUPS)
    assert (after.verdict, after.possible_by_one) == (Verdict.CAN_BE_EXHAUSTED, 2 * most + FOR_BACKUPS)
    assert after.largest_tenant == "acme"


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_runs_nothing_of_a_report(text: str) -> None:
    """Gets a formula into a line: a spreadsheet shows it as text."""
    line = {"tenant_id": text, "faults": [text], "bytes": -5}
    (row,) = csv.DictReader(io.StringIO(as_csv({"made_at": "2026-11-30", "tenants": [line]}), newline=""))
    assert (row["tenant_id"], row["faults"], row["bytes"]) == (f"'{text}", f"'{text}", "-5")
