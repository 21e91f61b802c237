"""The stack's file: everything that a tool needs to sign in to the running stack and call it."""

import os
import threading
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from local.errors import NotRunning

type RoleName = Literal["viewer", "editor", "admin"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class User(_Model):
    """One of a tenant's users."""

    username: str
    password: str = Field(repr=False)
    role: RoleName


class StackTenant(_Model):
    """A tenant with its users."""

    tenant_id: str
    isolation: Literal["database", "schema", "pooled"]
    server_id: str
    users: list[User]


class StackServer(_Model):
    """A PostgreSQL server with its superuser."""

    id: str
    region: str
    host: str
    port: int
    admin_user: str
    admin_password: str = Field(repr=False)


class Operator(_Model):
    """The operator of the platform."""

    username: str
    password: str = Field(repr=False)


class StackFile(_Model):
    """The content of `stack.json`."""

    api_url: str
    console_url: str
    aws_endpoint_url: str
    region: str
    stack_name: str
    user_pool_id: str
    client_id: str
    backup_bucket: str
    registry_table: str
    servers: list[StackServer]
    tenants: list[StackTenant]
    operator: Operator

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file. :raises NotRunning: there is none."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError as exc:
            raise NotRunning from exc

    def write(self, path: Path) -> None:
        """Replace the file atomically; only its owner may read it, because it contains passwords."""
        write_private(path, self.model_dump_json(indent=2))

    def password_of(self, username: str) -> str:
        """Find a user's or the operator's password. :raises KeyError: there is no such user."""
        return self.passwords[username]

    @property
    def passwords(self) -> dict[str, str]:
        """Every user's password by user name, including the operator's."""
        users = {user.username: user.password for tenant in self.tenants for user in tenant.users}
        return users | {self.operator.username: self.operator.password}


def write_private(path: Path, text: str) -> None:
    """Write a file atomically that only its owner may read."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    draft.replace(path)
