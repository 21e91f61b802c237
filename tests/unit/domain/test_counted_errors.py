"""Which answers speak of the service or of the schema, and which of what a caller has sent."""

import pytest

from tenantry.domain.counted_errors import is_counted


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("42P01", 404),  # no such table
        ("42703", 400),  # no such column
        ("42883", 404),  # no such function or operator
        ("42804", 400),  # another type
        ("42501", 403),  # no right
        ("428C9", 400),  # a column that is generated now
        ("23502", 400),  # NOT NULL
        ("23514", 400),  # CHECK
        ("44000", 400),  # CHECK OPTION of a view
        ("PGRST200", 400),  # no relationship
        ("PGRST201", 300),  # one too many
        ("PGRST202", 404),
        ("PGRST204", 400),
        ("PGRST205", 404),
        ("57014", 504),  # an index is missing
        ("08006", 503),
        ("53300", 503),
        ("internal_error", 500),
        ("secrets_unavailable", 503),
        ("PT500", 500),  # a function's own
    ],
)
def test_what_counts(code: str, status: int) -> None:
    assert is_counted(code, status)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("schema_behind", 503),
        ("tenant_moving", 503),
        ("42601", 400),  # the text of a search
        ("22P02", 400),
        ("23503", 409),
        ("23505", 409),
        ("PGRST100", 400),
        ("PGRST116", 406),
        ("PGRST301", 401),
        ("unauthenticated", 401),
        ("tenant_suspended", 403),
        ("storage_full", 403),
        ("too_many_at_once", 429),
        ("payload_too_large", 413),
        ("P0001", 400),
    ],
)
def test_what_does_not(code: str, status: int) -> None:
    assert not is_counted(code, status)
