"""A deployed stack as its operator sees it: what it was deployed with, and what AWS says of it."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from local.doctor.finding import NotAvailable
from tenantry.aws.registry import Registry
from tenantry.domain.server import Server, ServerStatus


@dataclass(frozen=True)
class Probe:
    """What ProbeNetwork answered, and between which times of this machine (seconds since 1970)."""

    services: Mapping[str, bool]
    servers: Mapping[str, str] | None
    clock: float
    asked_at: float
    answered_at: float


@dataclass
class DeployedStack:
    """One stack. `make_client` makes an AWS client for a service; `token` is an operator's id token, or empty.

    `is_local` is for the stack of `make up`, and for no other, whatever it says of itself.
    """

    name: str
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    make_client: Callable[[str], Any]
    api_url: str
    token: str = field(default="", repr=False)
    is_local: bool = False

    def output(self, name: str) -> str:
        """Return an output of the stack. :raises NotAvailable: it has none of that name."""
        if name not in self.outputs:
            raise NotAvailable(f"The stack has no output {name}.", "Deploy this version of the template.")
        return self.outputs[name]

    @property
    def keeps_users(self) -> bool:
        """Whether the stack has a user pool of its own."""
        return not self.parameters.get("OidcIssuer")

    @cached_property
    def servers(self) -> list[Server]:
        """The registered servers, but for those that are lost. :raises DependencyFailed: DynamoDB did not tell."""
        registry = Registry(self.make_client("dynamodb"), self.output("RegistryTableName"))
        return [server for server in registry.servers() if server.status is not ServerStatus.LOST]

    @cached_property
    def probe(self) -> Probe:
        """What can be reached from the functions' network. :raises NotAvailable: the function failed."""
        asked_at = time.time()
        answer = self.make_client("lambda").invoke(FunctionName=self.output("ProbeNetworkName"))
        content = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise NotAvailable("The function ProbeNetwork failed.", "Look into its log: it says why.")
        return Probe(content["services"], content["servers"], content["clock"], asked_at, time.time())


def read_stack(name: str, make_client: Callable[[str], Any], **known: Any) -> DeployedStack:
    """Ask CloudFormation for a stack.

    :param known: fields of `DeployedStack` that CloudFormation does not know, such as `token`.
    :raises botocore.exceptions.ClientError: there is no such stack (ValidationError), or it may not be looked at.
    """
    (found,) = make_client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    return DeployedStack(
        name=name,
        status=found["StackStatus"],
        parameters={each["ParameterKey"]: each.get("ParameterValue", "") for each in found.get("Parameters", [])},
        outputs=outputs,
        make_client=make_client,
        **{"api_url": outputs.get("ApiUrl", "")} | known,
    )
