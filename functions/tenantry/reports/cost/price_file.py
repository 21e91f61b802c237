"""The price file: the one that comes with the project, or an operator's own in the stack's bucket."""

import json
from importlib.resources import files
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.domain.errors import InvalidSetting
from tenantry.reports.cost.cost import PriceList, parse_prices

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class PriceFile:
    """Reads prices when they are needed: a file that is broken spoils the report on cost and nothing else."""

    def __init__(self, s3: "S3Client", bucket: str, key: str) -> None:
        """Take where it lies; without a key it is the project's own."""
        self._s3 = s3
        self._bucket = bucket
        self._key = key

    def read(self) -> PriceList:
        """Read it.

        :raises InvalidSetting: it can't be read, or is incomplete.
        """
        try:
            return parse_prices(json.loads(self._bytes()))
        except (ClientError, BotoCoreError, ValueError) as exc:
            raise InvalidSetting("The price file could not be read.", code="invalid_prices") from exc

    def _bytes(self) -> bytes:
        if not self._key:
            return files("tenantry.reports.cost").joinpath("aws.json").read_bytes()
        return self._s3.get_object(Bucket=self._bucket, Key=self._key)["Body"].read()
