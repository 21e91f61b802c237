"""Rights that were passed on, by whoever was given the option, are taken away and given back in an order that works."""

import pytest

from tenantry.contents.rights_writer import RightsWriter
from tenantry.domain.rights import notable
from tenantry.domain.tenant import Isolation
from tests.integration.contents.conftest import Vault

CHAINS = """
CREATE TABLE t (a int, b int);
CREATE FUNCTION f() RETURNS int RETURN 1;
REVOKE ALL ON t FROM "{t}_editor", "{t}_viewer"; REVOKE ALL ON FUNCTION f() FROM PUBLIC;
GRANT SELECT, REFERENCES ON t TO "{t}_editor" WITH GRANT OPTION;
GRANT UPDATE (b) ON t TO "{t}_editor" WITH GRANT OPTION;
GRANT EXECUTE ON FUNCTION f() TO "{t}_viewer" WITH GRANT OPTION;
SET ROLE "{t}_editor";
GRANT SELECT ON t TO "{t}_viewer" WITH GRANT OPTION; GRANT UPDATE (b) ON t TO "{t}_viewer";
SET ROLE "{t}_viewer";
GRANT SELECT ON t TO PUBLIC; GRANT EXECUTE ON FUNCTION f() TO "{t}_editor";
SET ROLE "{t}_owner";
"""
# Who has passed on a right and may use the schema no more.
SHUT_OUT = 'REVOKE USAGE ON SCHEMA {s} FROM "{t}_editor"'


@pytest.mark.parametrize("isolation", [Isolation.DATABASE, Isolation.SCHEMA])
def test_rights_that_were_passed_on_are_taken_and_given_back(vault: Vault, isolation: Isolation) -> None:
    tenant = vault.add(isolation)
    home = vault.home(tenant)
    writer = RightsWriter(vault.servers.connector("here"), tenant, home)
    names = {"t": tenant, "s": f'"{home.schema}"'}
    for change in (CHAINS, SHUT_OUT):
        vault.run_as(tenant, change.format(**names))
        rights = notable(writer.read())
        assert writer.write({}, strangers=False) == []
        assert notable(writer.read()) == {}
        assert writer.write(rights, strangers=False) == []
        assert writer.differences(rights, strangers=False) == []
