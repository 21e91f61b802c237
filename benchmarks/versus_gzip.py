"""back_up_tenant against the manual way: `pg_dump -Fc` into a file, which boto3 then uploads to the bucket."""

from pathlib import Path
from statistics import median
from time import perf_counter

import boto3.s3.transfer

from benchmarks.applications import make_database
from benchmarks.backup_stream import back_up, run_pg_dump
from benchmarks.packages import build_project
from benchmarks.results import Result
from benchmarks.stage import BUCKET, Stage
from benchmarks.timing import take_turns
from tenantry.domain.credentials import Credentials
from tenantry.domain.tenant import TenantId

_TENANT = TenantId("backup-by-hand")
_PORTIONS = 6
_ROUNDS = 5


def run(stage: Stage) -> list[Result]:
    """Time: back_up_tenant's handler on a database of some 680 MB, over pg_dump -Fc into a file that boto3 then uploads
    to the same S3, as its defaults are (parts of 8 MB, ten at a time); medians of 5 in turns.
    """
    programs = build_project(stage.directory)
    credentials = make_database(stage, _TENANT, _PORTIONS)
    ours, by_hand = take_turns(
        lambda: [back_up(stage, _TENANT, programs).seconds],
        lambda: [_by_hand(stage, credentials, programs)],
        _ROUNDS,
    )
    return [Result("versus_gzip", "s", median(ours), median(by_hand), at_most=0.5)]


def _by_hand(stage: Stage, credentials: Credentials, programs: Path) -> float:
    file, key = stage.directory / "by-hand.dump", f"by-hand/{credentials.dbname}.dump"
    s3 = stage.aws.client("s3")
    started = perf_counter()
    try:
        run_pg_dump(credentials, programs, "-Fc", output=file)
        boto3.s3.transfer.S3Transfer(s3).upload_file(str(file), BUCKET, key)
        return perf_counter() - started
    finally:
        file.unlink(missing_ok=True)
        s3.delete_object(Bucket=BUCKET, Key=key)
