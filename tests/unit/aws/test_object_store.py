import pytest

from tenantry.aws.multipart_upload import part_size

MIB = 1 << 20


@pytest.mark.parametrize(
    ("database", "part"), [(0, 8 * MIB), (50 << 30, 8 * MIB), (1 << 40, 117 * MIB), (5 << 40, 583 * MIB)]
)
def test_the_parts_fit_the_database(database: int, part: int) -> None:
    assert part_size(database) == part
    # S3 takes ten thousand of up to 5 GiB each.
    assert 9_000 * part >= database
    assert 8 * part <= 5 << 30
