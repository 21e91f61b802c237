"""A revision is rolled out over sixty tenants of all three models on two servers, by the real state machine.

The functions of the stack get a directory of revisions with one more than the project has; at the end everybody is back
at the project's own. This file is the last one by its name: what it makes is left in a stack that ends with the tests.
"""

import os
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api import Api, open_database
from tests.e2e.guide import PRELUDE, commands, run, section, signed_in
from tests.e2e.living import administer, erase, operator

PROJECT = Path(__file__).parents[2]
VERSIONS = PROJECT / "functions/migrations/versions"
FUNCTIONS = ("AdministerTenants", "MigrateTenants", "PerformOperation")
PATIENCE_SECONDS = 120
MODELS = {"database": 9, "schema": 18, "pooled": 33}
REVISION = '''"""A note for each candidate."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "{revision}", "{before}"


def upgrade() -> None:
    """Add it."""
    op.add_column("candidates", sa.Column("note", sa.Text))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("candidates", "note")
'''


class Fleet:
    """Tenants of the running stack, and calls about them."""

    def __init__(self, api: Api, head: str, before: str) -> None:
        self.api, self.head, self.before = api, head, before
        self.names: list[str] = []

    def make(self) -> None:
        """Make as many of each model as a test of a minute can bear, by turns on the two servers."""
        regions = [server.region for server in self.api.stack.servers[:2]]

        def make(number: int, isolation: str) -> None:
            body = {"isolation": isolation, "region": regions[number % 2]}
            administer(self.api, "PUT", f"/tenants/{self.names[number]}", json=body)

        models = [model for model, count in MODELS.items() for _ in range(count)]
        self.names = [f"{model[0]}{uuid.uuid4().hex[:8]}" for model in models]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(make, range(len(models)), models))

    def of(self, isolation: str) -> list[str]:
        return [name for name in self.names if name.startswith(isolation[0])]

    def revisions(self) -> Counter[str]:
        tenants = administer(self.api, "GET", "/tenants", params={"limit": 1000})["items"]
        return Counter(tenant["schema_revision"] for tenant in tenants if tenant["tenant_id"] in self.names)

    def start(self, **body: Any) -> str:
        return str(administer(self.api, "POST", "/rollouts", json=body)["rollout_id"])

    def steer(self, rollout: str, call: str, **options: Any) -> dict[str, Any]:
        found: dict[str, Any] = administer(self.api, "POST", f"/rollouts/{rollout}/{call}", **options)
        return found

    def finish(self, rollout: str) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found: dict[str, Any] = administer(self.api, "GET", f"/rollouts/{rollout}")
            if found["state"] != "running":
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.2)  # the interval of polling, up to the deadline above

    def homes(self, rollout: str, **params: str) -> dict[str, Any]:
        answer = administer(self.api, "GET", f"/rollouts/{rollout}/tenants", params=params)
        return {home["unit"]: home for home in answer["items"]}


def set_revisions(api: Api, directory: Path | None) -> None:
    """Tell the functions where the revisions are, and wait until they know."""
    functions = api.aws("lambda")
    for name in FUNCTIONS:
        function = api.resource(name)
        variables = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        variables.pop("REVISIONS_DIRECTORY", None)
        if directory:
            variables["REVISIONS_DIRECTORY"] = str(directory)
        functions.update_function_configuration(FunctionName=function, Environment={"Variables": variables})


@pytest.fixture(scope="module")
def fleet(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Sixty tenants at the project's revision; the code has one more."""
    directory = tmp_path_factory.mktemp("revisions")
    directory.chmod(0o755)
    versions = Path(shutil.copytree(VERSIONS, directory / "versions", ignore=shutil.ignore_patterns("__pycache__")))
    before = max(path.name.partition("_")[0] for path in versions.glob("[0-9]*_*.py"))
    head = f"{int(before) + 1:04}"
    made = Fleet(api, head, before)
    made.make()
    (versions / f"{head}_note.py").write_text(REVISION.format(revision=head, before=before))
    set_revisions(api, versions)
    yield made
    for rollout in administer(api, "GET", "/rollouts")["items"]:
        if any(call["call"] and call["call"].endswith("/cancel") for call in rollout["next"]):
            made.steer(rollout["rollout_id"], "cancel")
    set_revisions(api, None)
    if os.environ.get("TENANTRY_STACK_FILE"):
        # A stack that goes on; of one's own, nothing is left anyway, and no test comes after these.
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: erase(api, name), made.names))


def test_a_rollout_stops_at_its_gate_goes_on_after_the_mend_and_is_taken_back(api: Api, fleet: Fleet) -> None:
    failing, locked, canary = fleet.of("database")[:3]
    server = {
        tenant["tenant_id"]: tenant["server_id"]
        for tenant in administer(api, "GET", "/tenants", params={"limit": 1000})["items"]
    }
    places = {place.id: place for place in api.stack.servers}
    with open_database(places[server[failing]], failing) as connection:
        connection.cursor().execute("ALTER TABLE candidates ADD COLUMN note int")

    with open_database(places[server[locked]], locked) as holder:
        holder.autocommit = False
        holder.cursor().execute("SELECT count(*) FROM candidates")
        rollout = fleet.start(
            patience_minutes=0,
            waves=[
                {"name": "canary", "match": {"tenants": [canary]}},
                {"name": "ours", "match": {"tenants": fleet.names}, "at_once_per_server": 4, "max_failed": 0},
            ],
        )
        stopped = fleet.finish(rollout)

    assert (stopped["state"], stopped["reason"], stopped["wave_name"]) == ("stopped", "too_many_failed", "ours")
    told = fleet.homes(rollout)
    assert (told[failing]["state"], told[failing]["code"]) == ("failed", "42701")
    assert told[canary]["state"] == "done"
    assert fleet.revisions()[fleet.before] >= 2
    with open_database(places[server[failing]], failing) as connection:
        connection.cursor().execute("ALTER TABLE candidates DROP COLUMN note")

    fleet.steer(rollout, "resume")
    done = fleet.finish(rollout)

    assert done["state"] == "done", done
    assert fleet.revisions() == {fleet.head: 60}
    homes = fleet.homes(rollout)
    assert {home["state"] for home in homes.values()} == {"done"}
    assert sum(home["tenants"] for home in homes.values()) >= 60
    assert {step["digest"] for home in homes.values() for step in home["steps"]} == {done["steps"][0]["digest"]}
    table = api.call("GET", f"/admin/v1/rollouts/{rollout}/tenants", operator(api), params={"format": "csv"})
    assert table.headers["content-type"].startswith("text/csv")
    assert len(table.text.splitlines()) == len(homes) + 1
    report = administer(api, "GET", "/reports/migrations")
    assert report["head"] == fleet.head
    assert [line["tenant_id"] for line in report["behind"] if line["tenant_id"] in fleet.names] == []

    back = fleet.steer(rollout, "revert")["rollout_id"]
    assert fleet.finish(back)["state"] == "done"
    assert fleet.revisions() == {fleet.before: 60}
    entries = administer(api, "GET", "/audit", params={"target": f"rollout/{rollout}"})["items"]
    trail = [entry["action"] for entry in entries]
    assert set(trail) == {"resume_rollout", "revert_rollout"}


def test_the_guides_commands_roll_a_revision_out_and_back(api: Api, fleet: Fleet, tmp_path: Path) -> None:
    functions = commands(section("## Lead a tenant's life").partition("\n### ")[0])
    script = commands(section("## Rolling a revision out")).replace('"acme"', f'"{fleet.of("schema")[0]}"')
    told = run(f"{PRELUDE}{functions}\n{script}", tmp_path, **signed_in(api))
    assert '"state": "planned"' in told
    assert '"state": "waiting"' in told
    assert told.count('"state": "done"') > 2
    assert fleet.revisions() == {fleet.before: 60}
