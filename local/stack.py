"""Starts the parts of the local stack in their order, and ends them."""

import json
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Literal, NoReturn

from local import invocation
from local.aws_server import REGION, AwsServer
from local.backup_buckets import make_backup_buckets
from local.console_server import ConsoleServer
from local.deployment import ARCHITECTURE, STACK_NAME, STAGE, Deployment, Sam
from local.errors import LocalStackError, PartFailed
from local.gateway_gaps import fill_gateway_gaps
from local.ports import BRIDGE, LOOPBACK, Ports, require_address
from local.postgres_server import PostgresServer
from local.progress import Say, say, step
from local.seed import Seed
from local.stack_file import StackFile, StackServer, write_private
from local.step_functions_gaps import fill_step_functions_gaps
from local.supervision import Supervision

PROJECT = Path(__file__).resolve().parent.parent
DIRECTORY = PROJECT / "build" / "local"


class LocalStack:
    """Two PostgreSQL servers, a local AWS with the template deployed, demo tenants and the console."""

    def __init__(
        self,
        directory: Path = DIRECTORY,
        *,
        ports: Literal["fixed", "free"] = "fixed",
        project: Path = PROJECT,
        bridge: bool = False,
        durable: bool = True,
        tell: Say = say,
    ) -> None:
        """Configure the stack; `up` starts it.

        :param directory: the only directory that the stack writes to.
        :param bridge: whether containers on Docker's bridge can reach the stack.
        :param durable: whether the databases survive a crash of the machine; the tests' don't have to.
        """
        self.directory = directory.resolve()
        self._ports = Ports.choose(ports)
        self._addresses = (LOOPBACK, BRIDGE) if bridge else (LOOPBACK,)
        self._project = project
        self._tell = tell
        self._supervision = Supervision(self.directory)
        self._sam = Sam(project, self.directory)
        self._aws = AwsServer(self.directory, port=self._ports.aws, addresses=self._addresses, mark=self.directory)
        self._servers = {
            region: self._postgres(region, port, durable)
            for region, port in {
                "ap-south-1": self._ports.ap_south_1,
                "us-east-1": self._ports.us_east_1,
            }.items()
        }
        self._console: ConsoleServer | None = None

    @property
    def file(self) -> Path:
        """The path of the running stack's `stack.json`."""
        return self.directory / "stack.json"

    def up(self) -> StackFile:
        """Start everything, and end it again if a part fails. :raises LocalStackError: the message has the reason."""
        if not self._supervision.acquire():
            raise LocalStackError(f"The stack in {self.directory} runs already")
        try:
            return self._start()
        except Exception as exc:
            self._blame_the_dead(exc)
            raise
        finally:
            if not self.file.exists():
                self.down()

    def watch(self) -> NoReturn:
        """Watch the parts for ever. :raises PartFailed: a part has died."""
        while True:
            self._require_alive()
            time.sleep(0.5)

    def down(self) -> None:
        """End everything that was started, whatever its state. The databases keep their rows."""
        if not self._supervision.is_mine:
            return
        self.file.unlink(missing_ok=True)
        (self.directory / "env.json").unlink(missing_ok=True)
        if self._console:
            self._console.stop()
            self._console = None
        self._sam.stop()
        self._aws.stop()
        for server in self._servers.values():
            server.stop()
        self._supervision.sweep()
        self._supervision.release()

    def _require_alive(self) -> None:
        for server in self._servers.values():
            server.require_alive()
        self._aws.require_alive()

    def _blame_the_dead(self, failure: Exception) -> None:
        """Name the dead part if that is why another step failed. :raises PartFailed: a part has died."""
        try:
            self._require_alive()
        except PartFailed as culprit:
            raise culprit from failure

    def _start(self) -> StackFile:
        self.file.unlink(missing_ok=True)
        self._supervision.sweep()
        for address in self._addresses:
            require_address(address)
        self._ports.check(self._addresses)
        self._supervision.record({})
        self._together(self._start_servers, self._start_aws, self._build)
        deployment = self._deploy()
        with step("tenants, sample data and users", self._tell):
            stack = self._fill(deployment)
        self._write_environments()
        stack.write(self.file)
        return stack

    def _start_servers(self) -> None:
        with step("PostgreSQL: ap-south-1 and us-east-1", self._tell):
            self._together(*(server.start for server in self._servers.values()))

    def _start_aws(self) -> None:
        with step("local AWS", self._tell):
            self._aws.start()

    def _build(self) -> None:
        with step("sam build", self._tell):
            self._sam.build()

    def _deploy(self) -> Deployment:
        with step("sam deploy", self._tell):
            deployment = self._sam.deploy(
                self._aws,
                {
                    "Stage": STAGE,
                    "Architecture": ARCHITECTURE,
                    "IdentityEndpoint": self._aws.endpoint_url.replace(LOOPBACK, self._addresses[-1]),
                    "PrincipalTagConditions": "DISABLED",
                    "PgClientDirectory": str(self._sam.pg_client),
                    "CorsOrigin": "*",
                    "BackupBuckets": make_backup_buckets(self._aws, STAGE, self._servers),
                },
            )
            fill_gateway_gaps(self._aws, deployment)
            fill_step_functions_gaps(self._aws)
        return deployment

    def _fill(self, deployment: Deployment) -> StackFile:
        seed = Seed(self._aws, deployment, self._servers, self._addresses[-1])
        seed.register_servers()
        outputs = deployment.outputs
        return StackFile(
            api_url=f"{self._aws.endpoint_url}/_aws/execute-api/{deployment.api_id}/{deployment.api_stage}",
            console_url=self._serve_console(deployment),
            aws_endpoint_url=self._aws.endpoint_url,
            region=REGION,
            stack_name=STACK_NAME,
            user_pool_id=outputs["UserPoolId"],
            client_id=outputs["UserPoolClientId"],
            backup_bucket=outputs["BackupBucketName"],
            registry_table=outputs["RegistryTableName"],
            servers=[self._described(region, server) for region, server in self._servers.items()],
            tenants=seed.create_tenants(),
            operator=seed.create_operator(),
        )

    def _serve_console(self, deployment: Deployment) -> str:
        endpoint = self._aws.endpoint_url
        config = {
            "apiUrl": f"{endpoint}/_aws/execute-api/{deployment.api_id}/{deployment.api_stage}",
            "cognitoUrl": endpoint,
            "userPoolId": deployment.outputs["UserPoolId"],
            "clientId": deployment.outputs["UserPoolClientId"],
            "region": REGION,
        }
        self._console = ConsoleServer(self._project / "frontend", port=self._ports.console, config=config)
        self._console.start()
        return self._console.url

    def _write_environments(self) -> None:
        environments = invocation.function_environments(
            self._aws, address=self._addresses[-1], pg_client=self._sam.pg_client
        )
        write_private(self.directory / "env.json", json.dumps(environments, indent=2))

    def _postgres(self, region: str, port: int, durable: bool) -> PostgresServer:
        return PostgresServer(
            self.directory / "postgres" / region,
            name=region,
            port=port,
            addresses=self._addresses,
            durable=durable,
            quick_passwords=not durable,
            mark=self.directory,
        )

    @staticmethod
    def _described(region: str, server: PostgresServer) -> StackServer:
        return StackServer(
            id=region,
            region=region,
            host=server.host,
            port=server.port,
            admin_user=server.admin_user,
            admin_password=server.admin_password,
        )

    def _together(self, *tasks: Callable[[], None]) -> None:
        """Run tasks at the same time; after a failure or Ctrl-C, don't wait until a build ends."""
        with ThreadPoolExecutor(len(tasks)) as pool:
            futures = [pool.submit(task) for task in tasks]
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
            except BaseException:
                self._sam.stop()
                raise
            finally:
                self._record()

    def _record(self) -> None:
        parts = {region: server.pid for region, server in self._servers.items()}
        self._supervision.record({**parts, "aws": self._aws.pid})
