"""Reads the price file: the project's own, or an operator's file in the stack's bucket."""

import json
from importlib.resources import files
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.errors import InvalidSetting
from tenantry.reports.cost.cost import PriceList, parse_prices

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class PriceFile:
    """Reads prices when they are needed, so that a broken file affects only the report on cost."""

    def __init__(self, s3: "S3Client", bucket: str, key: str) -> None:
        """Take the file's bucket and key; an empty key means the project's own file."""
        self._s3 = s3
        self._bucket = bucket
        self._key = key

    def read(self) -> PriceList:
        """Read the price file.

        :raises InvalidSetting: the file can't be read, or is incomplete.
        """
        try:
            return parse_prices(json.loads(self._bytes()))
        except (ClientError, BotoCoreError, ValueError) as exc:
            raise InvalidSetting("The price file could not be read.", code="invalid_prices") from exc

    def _bytes(self) -> bytes:
        if not self._key:
            return files("tenantry.reports.cost").joinpath("aws.json").read_bytes()
        return self._s3.get_object(Bucket=self._bucket, Key=self._key)["Body"].read()
