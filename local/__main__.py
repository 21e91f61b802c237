"""The commands behind `make up`, `make down`, `make run`, `make deploy` and `make token`: `python -m local COMMAND`."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from local import invocation
from local.accounts import sign_in
from local.errors import LocalStackError, PartFailed
from local.private import ENTERED, private_directory, private_file
from local.progress import say
from local.redeployment import redeploy
from local.stack import DIRECTORY, PROJECT, LocalStack
from local.stack_file import StackFile, write_private
from local.supervision import Supervision

_FILE = DIRECTORY / "stack.json"
_BRIDGE = "TENANTRY_BIND_BRIDGE"


def up() -> None:
    """Start the stack in the background and return when it serves."""
    started = time.monotonic()
    if _running() is None:
        _FILE.unlink(missing_ok=True)
        say("Starting the local stack")
        _start_supervisor()
    stack = StackFile.read(_FILE)
    took = f"{time.monotonic() - started:.1f} s"
    say(f"Serves at {stack.api_url} ({took}). Addresses and users: make status. End it with: make down")


def run() -> None:
    """Start the stack and stay with it until Ctrl-C, or say where it runs already."""
    stack = _running()
    if stack:
        say(_welcome(stack) + "\n\nIt runs in the background. End it with: make down")
        return
    say("Starting the local stack")
    _supervise(lambda stack: say(_welcome(stack) + "\n\nCtrl-C ends it."))


def supervise() -> None:
    """Be the background process behind `up`: standard output is closed when the stack serves."""
    _supervise(lambda _stack: _close_output())


def down() -> None:
    """End the stack completely, also what a crash has left."""
    supervision = Supervision(DIRECTORY)
    if not DIRECTORY.exists():
        say("The local stack does not run.")
        return
    ended = supervision.end()
    supervision.sweep()
    _FILE.unlink(missing_ok=True)
    say("The local stack is down; its databases keep their rows." if ended else "The local stack does not run.")


def status() -> None:
    """Say whether it runs, and where. :raises NotRunning: it does not."""
    running = Supervision(DIRECTORY).is_held()
    if not running:
        _FILE.unlink(missing_ok=True)
    say(_welcome(StackFile.read(_FILE)))


def token(username: str) -> None:
    """Print a fresh id token."""
    print(sign_in(StackFile.read(_FILE), username))


def url() -> None:
    """Print the API's address."""
    print(StackFile.read(_FILE).api_url)


def deploy(parameters: list[str]) -> None:
    """Build what has changed and deploy it into the running stack."""
    redeploy(StackFile.read(_FILE), DIRECTORY, PROJECT, parameters)
    say("Deployed. Its tenants are as they were; what runs keeps its old code for a moment at most.")


def invoke(function: str, event: Path, tenant_id: str | None) -> None:
    """Run one function in a container against the stack, which has to listen on Docker's bridge."""
    environments = DIRECTORY / "env.json"
    stack = StackFile.read(_FILE)
    variables = json.loads(environments.read_text()).get(function)
    if variables is None:
        raise LocalStackError(f"The template has no function {function!r}")
    command = invocation.command_line(
        function,
        event=_with_fresh_token(event, stack),
        environments=environments,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
    )
    command += ["--tenant-id", tenant_id] if tenant_id else []
    done = subprocess.run(command, cwd=PROJECT, env=invocation.caller_environment(DIRECTORY, variables), check=False)
    if done.returncode:
        raise LocalStackError(f"sam local invoke {function} failed. Does the stack listen on the bridge (BRIDGE=1)?")


def _with_fresh_token(event: Path, stack: StackFile) -> Path:
    """Put a demo user's token into an authorizer's event: the sample's token is well formed, but not valid."""
    content = json.loads(event.read_text())
    if "authorizationToken" not in content:
        return event.resolve()
    content["authorizationToken"] = f"Bearer {sign_in(stack, stack.tenants[0].users[0].username)}"
    fresh = DIRECTORY / "event.json"
    write_private(fresh, json.dumps(content))
    return fresh


def _running() -> StackFile | None:
    """Read the running stack's file; wait for it if the stack is being started."""
    supervision = Supervision(DIRECTORY)
    deadline = time.monotonic() + 600
    while supervision.is_held():
        if _FILE.exists():
            return StackFile.read(_FILE)
        if time.monotonic() > deadline:
            raise LocalStackError("The stack has been starting for ten minutes. End it with: make down")
        time.sleep(0.1)
    return None


def _supervise(when_up: Callable[[StackFile], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    stack = LocalStack(bridge=os.environ.get(_BRIDGE, "") not in ("", "0"))
    try:
        when_up(stack.up())
        stack.watch()
    except KeyboardInterrupt:
        say("\nEnding the local stack")
    finally:
        # A second Ctrl-C must not interrupt the shutdown and leave processes behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        stack.down()


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _start_supervisor() -> None:
    """Start the background process and print its output until the stack serves or has failed."""
    private_directory(DIRECTORY, ENTERED)
    log = DIRECTORY / "supervisor.log"
    with open(log, "w", opener=private_file) as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "local", "supervise"],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    try:
        _pass_on(process)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    # Another `up` may have been a moment faster; its stack will serve soon.
    if not _FILE.exists() and process.wait() and _running() is None:
        _explain(process.returncode, log)


def _pass_on(process: subprocess.Popen[str]) -> None:
    for line in process.stdout or ():
        say(line.rstrip("\n"))


def _explain(code: int, log: Path) -> NoReturn:
    words = log.read_text(errors="replace").strip()
    failure = LocalStackError(words) if "Traceback" not in words else PartFailed("The supervisor", "died", log)
    failure.exit_code = code or 1
    raise failure


def _close_output() -> None:
    """Tell the process that started this one that the stack serves, by closing the pipe to it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _welcome(stack: StackFile) -> str:
    users = [
        f"  {user.username:<32} {user.password:<26} {user.role} of {tenant.tenant_id}"
        for tenant in stack.tenants
        for user in tenant.users
    ]
    first = stack.tenants[0].users[0].username
    call = "$(make -s url)/rest/v1/candidates?select=id,name,job_role&order=id&limit=5"
    return "\n".join(
        [
            "",
            f"API      {stack.api_url}",
            f"Console  {stack.console_url}",
            f"AWS      {stack.aws_endpoint_url}",
            *(f"Server   {server.id}: {server.host}:{server.port}" for server in stack.servers),
            f"File     {_FILE.relative_to(PROJECT)}",
            "",
            "Users",
            *users,
            f"  {stack.operator.username:<32} {stack.operator.password:<26} operator",
            "",
            "A first call, from another terminal in this directory:",
            f'  curl -s -H "Authorization: Bearer $(make -s token USER={first})" "{call}"',
        ]
    )


_PLAIN: dict[str, Callable[[], None]] = {
    "up": up,
    "down": down,
    "run": run,
    "status": status,
    "url": url,
    "supervise": supervise,
}


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in _PLAIN.items():
        commands.add_parser(name, help=(command.__doc__ or "").split(".")[0])
    commands.add_parser("token", help="print a user's id token").add_argument("username")
    deployment_command = commands.add_parser("deploy", help="deploy what has changed into the running stack")
    deployment_command.add_argument("parameters", nargs="*", help="the template's, such as RequiredRevision=0002")
    invocation_command = commands.add_parser("invoke", help="run a function in a container")
    invocation_command.add_argument("function", help="its logical id in the template")
    invocation_command.add_argument("event", type=Path, help="a file of events/")
    invocation_command.add_argument("--tenant-id", help="for a function with a TenancyConfig: whose environment")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run one command. :return: the exit code."""
    chosen = vars(_parse(arguments))
    commands: dict[str, Callable[..., None]] = {**_PLAIN, "token": token, "deploy": deploy, "invoke": invoke}
    try:
        commands[chosen.pop("command")](**chosen)
    except LocalStackError as failure:
        print(failure, file=sys.stderr)
        return failure.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
