"""Rotations of one tenant's credentials while its users work."""

import json
import uuid
from dataclasses import dataclass

from benchmarks.deployed import Caller
from benchmarks.load import Load
from benchmarks.results import BenchmarkFailed, Result
from benchmarks.stage import Stage
from local.accounts import sign_in
from tenantry.domain.credentials import secret_name
from tenantry.domain.tenant import TenantId

_ROTATIONS, _CLIENTS, _REQUESTS_PER_STEP = 5, 4, 8
_STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_LOCAL_STAGE = "local"


def run(stage: Stage) -> list[Result]:
    """Requests that failed of those that 4 clients sent through the API during 5 rotations of the credentials."""
    stack = stage.deployed.stack()
    tenant = stack.tenants[0]
    editor = next(user.username for user in tenant.users if user.role == "editor")
    rotation = _Rotation(Caller(stack), secret_name(_LOCAL_STAGE, TenantId(tenant.tenant_id)))
    with Load(stack, sign_in(stack, editor), _CLIENTS) as load:
        load.await_more(_REQUESTS_PER_STEP)
        for _ in range(_ROTATIONS):
            rotation.perform(load)
    print(f"    {dict(load.answers)}")
    return [Result("rotation_under_load", "failed", load.failed, load.answers.total(), at_most=0.0)]


@dataclass(frozen=True, slots=True)
class _Rotation:
    """Does what Secrets Manager does on AWS; the local one only stores the schedule."""

    caller: Caller
    secret: str

    def perform(self, load: Load) -> None:
        """Run the four steps, each under load. :raises BenchmarkFailed: a step failed, or nothing changed."""
        token, before = str(uuid.uuid4()), self._username()
        self.caller.aws("secretsmanager").put_secret_value(
            SecretId=self.secret, ClientRequestToken=token, VersionStages=["AWSPENDING"]
        )
        for step in _STEPS:
            self._run(step, token)
            load.await_more(_REQUESTS_PER_STEP)
        if self._username() == before:
            raise BenchmarkFailed("the rotation left the login as it was")

    def _run(self, step: str, token: str) -> None:
        event = {"SecretId": self.secret, "ClientRequestToken": token, "Step": step}
        answer = self.caller.aws("lambda").invoke(FunctionName=self._function(), Payload=json.dumps(event))
        if "FunctionError" in answer:
            raise BenchmarkFailed(f"{step} failed: {answer['Payload'].read().decode()}")

    def _function(self) -> str:
        found = self.caller.aws("cloudformation").describe_stack_resource(
            StackName=self.caller.stack.stack_name, LogicalResourceId="RotateCredentials"
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def _username(self) -> str:
        content = self.caller.aws("secretsmanager").get_secret_value(SecretId=self.secret)["SecretString"]
        return str(json.loads(content)["username"])
