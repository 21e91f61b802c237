import dataclasses

import pytest

from tenantry.domain.errors import RequestRefused
from tenantry.postgrest.catalogue.methods import allowed_methods
from tenantry.postgrest.request import Kind
from tests.unit.postgrest.library import LIBRARY, name


def test_a_table_answers_to_what_can_be_done_with_it() -> None:
    assert allowed_methods(LIBRARY, Kind.TABLE, name("books")) == "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"


def test_what_has_no_key_or_can_not_be_changed_answers_to_less() -> None:
    books = LIBRARY.tables[name("books")]
    keyless = dataclasses.replace(books, primary_key=(), deletable=False)
    still = dataclasses.replace(books, insertable=False, updatable=False, deletable=False)
    for table, methods in ((keyless, "OPTIONS,GET,HEAD,POST,PATCH"), (still, "OPTIONS,GET,HEAD")):
        changed = dataclasses.replace(LIBRARY, tables={table.name: table})
        assert allowed_methods(changed, Kind.TABLE, table.name) == methods


def test_a_function_that_writes_has_no_get() -> None:
    assert allowed_methods(LIBRARY, Kind.ROUTINE, name("add")) == "OPTIONS,GET,HEAD,POST"
    (routine,) = LIBRARY.routines[name("add")]
    volatile = dataclasses.replace(routine, volatility=type(routine.volatility).VOLATILE)
    changed = dataclasses.replace(LIBRARY, routines={routine.name: (volatile,)})
    assert allowed_methods(changed, Kind.ROUTINE, routine.name) == "OPTIONS,POST"


@pytest.mark.parametrize(("kind", "code"), [(Kind.TABLE, "PGRST205"), (Kind.ROUTINE, "PGRST202")])
def test_what_is_not_there_answers_to_nothing(kind: Kind, code: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        allowed_methods(LIBRARY, kind, name("nothing"))

    assert refused.value.code == code
