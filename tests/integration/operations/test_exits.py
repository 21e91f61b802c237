"""No operation ends in a state without an exit: what its `next` says is accepted, and leads to where nothing is held.

Every kind of operation is walked through: its worker fails or dies at each of its steps, and the calls that the
operation names then are made over the API until there is nothing to do. Then the tenant is served and free.
"""

from collections.abc import Callable

import pytest

from handlers import perform_operation
from tenantry.domain.next_calls import KINDS
from tests.integration.operations.conftest import Desk
from tests.integration.operations.walks_of_backups import WALKS_OF_BACKUPS
from tests.integration.operations.walks_of_moves import WALKS_OF_MOVES


def test_every_kind_of_operation_is_walked_and_says_what_is_next(desk: Desk) -> None:
    """A kind that is new has to have a walk here, and its rule in `domain/next_calls.py`."""
    known = set(perform_operation._performer()._workflows)
    assert known == set(KINDS)
    assert known <= {*WALKS_OF_MOVES, *WALKS_OF_BACKUPS}


@pytest.mark.parametrize("way", dict.fromkeys(WALKS_OF_MOVES.values()), ids=lambda way: way.__name__)
def test_what_is_next_is_accepted_and_leads_out(desk: Desk, way: Callable[[Desk], None]) -> None:
    way(desk)
