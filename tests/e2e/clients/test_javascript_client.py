"""`@supabase/postgrest-js`, unmodified, through API Gateway, authorizer, Lambda and database."""

import json
import os
import subprocess
from pathlib import Path

from tests.e2e.clients.harbour import Harbour

_CALLS = Path(__file__).parent / "javascript" / "run.mjs"


def test_every_call_gets_what_the_data_says(node: str, javascript_client: Path, harbour: Harbour) -> None:
    done = subprocess.run(
        [node, str(_CALLS), str(javascript_client), harbour.url],
        env=os.environ | {"TOKEN": harbour.token},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    calls = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(calls) >= 200
    failed = [f"{call['name']}: got {call['got']}, expected {call['expected']}" for call in calls if not call["ok"]]
    assert not failed, f"{len(failed)} of {len(calls)}:\n" + "\n".join(failed)
