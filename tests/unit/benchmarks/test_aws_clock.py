"""The time that AWS takes, measured apart from the rest."""

import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from benchmarks.aws_clock import AwsClock


def test_calls_of_the_clients_that_are_watched_are_counted_and_nothing_else() -> None:
    clock = AwsClock()
    with mock_aws():
        watched = clock.watch(boto3.client("secretsmanager", "ap-south-1"))
        other = boto3.client("secretsmanager", "ap-south-1")
        other.list_secrets()
        assert clock.seconds == 0
        started = time.perf_counter()
        watched.list_secrets()
        once = clock.seconds
        assert 0 < once <= time.perf_counter() - started
        watched.list_secrets()
        assert clock.seconds > once


def test_a_call_that_fails_has_taken_its_time_too() -> None:
    clock = AwsClock()
    nobody = boto3.client(
        "secretsmanager",
        "ap-south-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"max_attempts": 0}),
    )
    with pytest.raises(EndpointConnectionError):
        clock.watch(nobody).list_secrets()
    assert clock.seconds > 0
