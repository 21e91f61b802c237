"""The other half of `test_exits.py`, on another worker."""

from collections.abc import Callable

import pytest

from tests.integration.operations.conftest import Desk
from tests.integration.operations.walks_of_backups import WALKS_OF_BACKUPS


@pytest.mark.parametrize("way", dict.fromkeys(WALKS_OF_BACKUPS.values()), ids=lambda way: way.__name__)
def test_what_is_next_is_accepted_and_leads_out(desk: Desk, way: Callable[[Desk], None]) -> None:
    way(desk)
