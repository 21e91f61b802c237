"""What a function does before Lambda takes a snapshot of it (SnapStart), and after an environment begins with one."""

import os
import random
import ssl
from collections.abc import Callable

# Lambda's runtime for Python has it.
from snapshot_restore_py import register_after_restore, register_before_snapshot

_SEED_BYTES = 48


def around_snapshots(prepare: Callable[[], None], start_anew: Callable[[], None]) -> None:
    """Have Lambda call `prepare` before it takes a snapshot, and `start_anew` in each environment that begins with it.

    :param prepare: loads what takes time. What raises here ends the deployment.
    :param start_anew: closes and forgets what must not be shared: connections, sessions, secrets.
    """
    register_before_snapshot(prepare)
    register_after_restore(start_anew)
    register_after_restore(_seed)


def _seed() -> None:
    """Seed what draws random numbers: copies of one snapshot would all draw the same.

    psycopg2's own OpenSSL needs nothing: it is seeded by the first connection, which no snapshot has.
    """
    random.seed()
    ssl.RAND_add(os.urandom(_SEED_BYTES), float(_SEED_BYTES))
