"""A certificate's digest can be checked by anybody, with the command that docs/operators-api.md gives."""

import json
import re
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tenantry.tenants.certificate import make_certificate

_COMMAND = re.compile(r"^ {4}python3 -c '(import hashlib[^']+)'$", re.MULTILINE)


def test_the_documented_command_tells_what_was_changed() -> None:
    certificate = make_certificate(
        tenant_id="acme",
        operation_id="01M8QEQ6D9GVTZYZSSK6GV0GR7",
        requested_by="operator",
        requested_at=datetime(2026, 11, 30, tzinfo=UTC),
        at=datetime(2026, 12, 1, tzinfo=UTC),
        facts={"found": {"users": 2}, "deleted": {"users": 2}, "remains": []},
    )
    kept = asdict(certificate)
    forged = kept | {"deleted": {"users": 1}}

    told = subprocess.run(
        [sys.executable, "-c", _documented()],
        input=json.dumps([kept, forged]),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert told.stdout.split() == ["True", "False"]


def _documented() -> str:
    found = _COMMAND.search(Path("docs/operators-api.md").read_text("utf-8"))
    assert found
    return found[1]
