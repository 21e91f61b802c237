"""With a key of the operator's own, everything that a backup writes into the stack's bucket is encrypted with it."""

from typing import Any

import pytest

from tests.integration.backups.conftest import manifest_of
from tests.integration.backups.test_take import BUCKET, back_up
from tests.integration.conftest import World, clear_caches

KEY = "arn:aws:kms:ap-south-1:123456789012:key/11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize("key", [KEY, ""])
def test_dump_and_manifest_are_encrypted(world: World, s3: Any, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("BACKUP_KMS_KEY_ARN", key)
    clear_caches()
    answer = back_up(world.tenants[0])
    monkeypatch.undo()
    clear_caches()
    for stored in (answer["manifest"], manifest_of(s3, answer).dump.key):
        head = s3.head_object(Bucket=BUCKET, Key=stored)
        assert head.get("SSEKMSKeyId", "") == key
