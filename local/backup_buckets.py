"""Buckets for the backups of tenants whose data must not leave a region other than the stack's own."""

from collections.abc import Iterable

from local.aws_server import REGION, AwsServer


def make_backup_buckets(aws: AwsServer, stage: str, regions: Iterable[str]) -> str:
    """Make a bucket in each of these regions except the stack's; returns the template's parameter BackupBuckets."""
    buckets = {region: f"tenantry-{stage}-backups-{region}" for region in regions if region != REGION}
    for region, bucket in buckets.items():
        s3 = aws.client("s3", region=region)
        # S3 refuses us-east-1, its default region, as a LocationConstraint.
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **place)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return ",".join(f"{region}={bucket}" for region, bucket in buckets.items())
