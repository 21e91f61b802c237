"""When a catalogue is read again; tests/integration/data_api/catalogue has the tests with real connections."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tenantry.data_api import catalogues
from tenantry.data_api.catalogues import Catalogues
from tenantry.domain.tenant import TenantId
from tenantry.postgrest import Request, RequestLimits
from tenantry.postgrest.catalogue.model import Catalogue
from tests.unit.postgrest.library import LIBRARY

PUBLIC = ("public",)
EMBEDDING = Request("GET", "books", {"select": ["id,authors(name)"]})


@dataclass
class Clock:
    now: float = 100.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Connection:
    """Stands for a connection; every look finds an announcement, if there are any."""

    shares_database: bool
    tenant_id: TenantId = field(default_factory=lambda: TenantId("acme"))
    opened_at: float = 0.0
    announces: bool = False
    has_own_forms: bool = False
    prepared_anew: int = 0

    def prepare_anew(self) -> None:
        self.prepared_anew += 1

    def take_notice(self) -> bool:
        return self.announces


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(catalogues, "time", made)
    return made


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    made: list[Any] = []

    def read(connection: Any, schemas: tuple[str, ...]) -> Catalogue:
        made.append(connection)
        return Catalogue(schemas, LIBRARY.tables, LIBRARY.relationships, LIBRARY.routines)

    monkeypatch.setattr(catalogues, "read_catalogue", read)
    return made


def ask(kept: Catalogues, connection: Any, times: int = 1) -> None:
    for _ in range(times):
        kept.plan(EMBEDDING, RequestLimits(), connection)


def test_announcements_of_neighbours_cost_a_read_a_second(clock: Clock, reads: list[Any]) -> None:
    kept, shared = Catalogues(8, 300), Connection(shares_database=True, announces=True)
    ask(kept, shared, times=50)
    assert len(reads) == 1
    clock.now += 1.0
    ask(kept, shared, times=50)
    assert len(reads) == 2


def test_an_announcement_within_that_second_is_not_forgotten(clock: Clock, reads: list[Any]) -> None:
    kept, shared = Catalogues(8, 300), Connection(shares_database=True)
    ask(kept, shared)
    shared.announces = True
    ask(kept, shared)
    shared.announces = False
    clock.now += 1.0
    ask(kept, shared)
    assert len(reads) == 2


def test_a_database_of_its_own_is_heard_at_once(clock: Clock, reads: list[Any]) -> None:
    kept, own = Catalogues(8, 300), Connection(shares_database=False)
    ask(kept, own)
    own.announces = True
    ask(kept, own)
    assert len(reads) == 2


def test_no_plan_keeps_a_catalogue_that_is_gone(clock: Clock, reads: list[Any]) -> None:
    kept = Catalogues(1, 300)
    first = Connection(shares_database=False)
    ask(kept, first)
    ask(kept, first)
    kept.read(first, PUBLIC)  # type: ignore[arg-type]
    assert not kept._planned
    ask(kept, first)
    assert len(kept._planned) == 1
    ask(kept, Connection(shares_database=False, tenant_id=TenantId("other")))
    assert not [asked for asked in kept._planned if asked[0] == first.tenant_id]


def test_a_plain_read_needs_a_catalogue_where_values_may_have_forms_of_their_own(
    clock: Clock, reads: list[Any]
) -> None:
    plain = Request("GET", "books", {})
    kept, own = Catalogues(8, 300), Connection(shares_database=False, has_own_forms=True)
    for _ in range(5):
        kept.plan(plain, RequestLimits(), own)  # type: ignore[arg-type]
    # There were none in the exposed schemas, which is true until something is announced, however old it is.
    assert (len(reads), own.has_own_forms) == (1, False)
    clock.now += 301
    kept.plan(plain, RequestLimits(), own)  # type: ignore[arg-type]
    assert len(reads) == 1
    own.announces = True
    kept.plan(plain, RequestLimits(), own)  # type: ignore[arg-type]
    assert len(reads) == 2
