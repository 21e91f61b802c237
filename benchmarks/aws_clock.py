"""Measures the time that some work waits for AWS, so that it can be subtracted."""

from time import perf_counter
from typing import Any


class AwsClock:
    """Sums the seconds of all calls of the watched clients; for one thread."""

    def __init__(self) -> None:
        """Begin at 0 seconds."""
        self.seconds = 0.0
        self._begun = 0.0

    def watch[Client](self, client: Client) -> Client:
        """Measure a boto3 client's calls from now on."""
        events: Any = client.meta.events  # type: ignore[attr-defined]  # every boto3 client has them
        events.register("before-call", self._begin)
        for ending in ("after-call", "after-call-error"):
            events.register(ending, self._end)
        return client

    def _begin(self, **_: Any) -> None:
        self._begun = perf_counter()

    def _end(self, **_: Any) -> None:
        self.seconds += perf_counter() - self._begun
