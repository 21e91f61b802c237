"""The hostile suite: attacks and their brothers, in one file for each kind, in a folder for what the attacker has.

    nothing/            no token: the internet
    viewer_token/       a token of a tenant's, which may read
    editor_token/       … which may write
    admin_token/        … which may do all that a tenant's own people may
    login_sql/          the password of a tenant's login
    owner_sql/          SQL as a tenant's owner: functions, policies, views, revisions, what an adopted application runs
    dump/               what is in a backup
    adopted_database/   a database that was somebody else's before it became a tenant's
    operator_slip/      nobody: an operator who mistypes, or pastes what a tenant has named

A test's docstring says in a sentence what the attacker does and what must be. An attack that was found elsewhere comes
with at least two brothers: other names, models, routes, operations.

`rows.py` names for each route, report and operation the files that attack it; `test_every_row.py` fails where one is
not named, or what is named is not there. Add your file to the rows that it attacks.
"""

from tests.integration.conftest import _revisions, empty_world, world
from tests.integration.relocation.conftest import second_postgres, servers_of_the_module
from tests.integration.restores.conftest import s3, vault
from tests.integration.tenants.adoption.conftest import legacy

__all__ = ["_revisions", "empty_world", "legacy", "s3", "second_postgres", "servers_of_the_module", "vault", "world"]
