"""A rename that is cut off anywhere is finished by repeating it: the rows can be read under the new id."""

from contextlib import suppress
from typing import Any

import psycopg2.extensions
import pytest

from tenantry.domain.errors import DatabaseUnavailable, DependencyFailed
from tenantry.domain.operation import OperationStatus
from tenantry.domain.tenant import Isolation
from tests.integration.conftest import IMPATIENT
from tests.integration.homes.conftest import SHARED
from tests.integration.tenants.renaming.conftest import ADMINISTRATOR, STEPS, Stand
from tests.postgres import superuser_session, with_cursors

FEWEST_STATEMENTS, MOST_STATEMENTS = 5, 200
# Every third statement, so that this takes seconds; with 1 it tries them all.
STRIDE = 3


# What comes before and after these is the same in every model.
OF_MODELS = ("rename_roles", "rename_home", "rename_secret")


@pytest.mark.parametrize(("model", "steps"), [(Isolation.DATABASE, STEPS), *((model, OF_MODELS) for model in SHARED)])
def test_a_worker_that_dies_after_any_step_is_followed_by_one_that_goes_on(
    stand: Stand, model: Isolation, steps: tuple[str, ...]
) -> None:
    old, neighbour, new = stand.make(model), stand.make(model, rows=1), stand.free_id()
    names, others = stand.names(old), stand.names(neighbour)
    operation = stand.begin(old, new)
    for step in steps:
        with pytest.raises(DependencyFailed):
            stand.perform(operation, cut_after=step)
        failed = stand.store.get(operation.operation_id)
        assert failed
        assert (failed.status, failed.error, step in failed.done) == (OperationStatus.FAILED, "cut", False)
        # The same call as before takes it up again.
        assert stand.begin(old, new).operation_id == operation.operation_id
    assert stand.perform(operation).status is OperationStatus.SUCCEEDED
    stand.assert_renamed(old, new, names)
    assert stand.names(neighbour) == others


class Killer:
    """Ends the administrator's session just before it sends its statement of that number."""

    def __init__(self, stand: Stand, number: int) -> None:
        self.left = number
        self._stand = stand

    def connect(self, database: str) -> Any:
        killer = self

        class Cursor(psycopg2.extensions.cursor):
            def execute(self, *arguments: Any) -> None:
                killer.before(self.connection)
                super().execute(*arguments)

        server = self._stand.world.server
        login = {"user": ADMINISTRATOR, "password": ADMINISTRATOR}
        return with_cursors(superuser_session(server, database, **login, options=IMPATIENT), Cursor)

    def before(self, connection: Any) -> None:
        self.left -= 1
        if self.left == 0:
            self._stand.world.execute(f"SELECT pg_terminate_backend({connection.info.backend_pid}, 5000)")


@pytest.mark.parametrize(
    ("model", "before"),
    # What comes before it is the same in every model.
    [(Isolation.DATABASE, "reserve"), (Isolation.SCHEMA, "rename_home"), (Isolation.POOLED, "rename_home")],
)
def test_a_session_that_breaks_at_any_statement_costs_a_repetition(
    stand: Stand, model: Isolation, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = stand.make(model)
    names = stand.names(old)
    for number in range(1, MOST_STATEMENTS, STRIDE):
        new = stand.free_id()
        operation = stand.begin(old, new)
        with suppress(DependencyFailed):
            stand.perform(operation, cut_before=before)
        killer = Killer(stand, number)
        with monkeypatch.context() as patch, suppress(DatabaseUnavailable):
            patch.setattr(stand.servers, "connector", lambda _, killer=killer: killer.connect)
            stand.perform(operation)
        assert stand.perform(operation).status is OperationStatus.SUCCEEDED
        stand.assert_renamed(old, new, names)
        old = new
        if killer.left > 0:
            # It came to its end before that many statements: all of them have been tried.
            assert number > FEWEST_STATEMENTS
            return
    raise AssertionError("a rename has fewer statements than that")
