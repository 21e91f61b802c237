"""Large databases are uploaded in large parts, which wait in a file and not in memory."""

import hashlib
from tempfile import TemporaryFile
from typing import Any

import pytest

from tenantry.aws import multipart_upload
from tenantry.aws.object_store import ObjectStore
from tests.integration.backups.test_take import BUCKET
from tests.integration.conftest import World

MIB = 1 << 20
DATABASE = 9_000 * 17 * MIB


def test_what_goes_up_in_files_is_what_was_written(world: World, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    files: list[Any] = []

    def open_file() -> Any:
        files.append(TemporaryFile())  # noqa: SIM115 - as the upload does
        return files[-1]

    monkeypatch.setattr(multipart_upload, "TemporaryFile", open_file)
    upload = ObjectStore(s3, BUCKET).upload("tenants/large/backups/x/dump.zst", DATABASE)
    assert upload.part_bytes == 17 * MIB
    digest = hashlib.sha256()
    for number in range(39):
        chunk = bytes([number]) * (MIB + number)
        digest.update(chunk)
        upload.write(chunk)
    version = upload.complete()
    assert (upload.parts, upload.sha256) == (3, digest.hexdigest())
    stored = s3.get_object(Bucket=BUCKET, Key="tenants/large/backups/x/dump.zst", VersionId=version)
    assert hashlib.sha256(stored["Body"].read()).hexdigest() == digest.hexdigest()
    assert len(files) == 4
    assert all(file.closed for file in files)


def test_small_ones_stay_in_memory(world: World, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(multipart_upload, "TemporaryFile")
    upload = ObjectStore(s3, BUCKET).upload("tenants/small/backups/x/dump.zst", 1 << 30)
    upload.write(b"content")
    assert upload.complete()
    assert (upload.parts, upload.part_bytes) == (1, 8 * MIB)


def test_an_upload_that_is_given_up_leaves_no_file(world: World, s3: Any) -> None:
    upload = ObjectStore(s3, BUCKET).upload("tenants/gone/backups/x/dump.zst", DATABASE)
    upload.write(b"x" * (18 * MIB))
    part = upload._part
    upload.abort()
    assert part.closed
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []
