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
from tenantry.servers.tls_probe import TlsFinding

# Parameters that every version of the template has.
_OURS = frozenset({"PrincipalTagConditions", "RoleClaim", "Stage"})


@dataclass(frozen=True)
class Probe:
    """What ProbeNetwork answered, and between which times of this machine (seconds since 1970)."""

    services: Mapping[str, bool]
    servers: Mapping[str, TlsFinding] | None
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
        return _read_probe(content, asked_at, time.time())


def _read_probe(content: Any, asked_at: float, answered_at: float) -> Probe:
    """Read the function's answer. :raises NotAvailable: another version of it answers otherwise."""
    try:
        servers = content["servers"]
        found = None if servers is None else {name: TlsFinding(finding) for name, finding in servers.items()}
        return Probe(dict(content["services"]), found, float(content["clock"]), asked_at, answered_at)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise NotAvailable(
            "The function ProbeNetwork is of another version than this doctor.", "Deploy this version of the template."
        ) from None


def why_not_examined(stack: DeployedStack) -> str:
    """Say why there is nothing to examine in a stack that is there: it was never deployed, or is another product's."""
    if stack.status == "REVIEW_IN_PROGRESS":
        return f"The stack {stack.name} was never deployed: its change set waits to be confirmed. Deploy again."
    if not stack.parameters.keys() >= _OURS:
        return f"The stack {stack.name} was not made from Tenantry's template."
    return ""


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
