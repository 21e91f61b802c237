"""The result of a drill, which lies beside its backup."""

from datetime import datetime

from pydantic import Field

from tenantry.domain.backup_facts import Frozen


class VerifiedTable(Frozen):
    """A table as a drill restored it; `matches` says whether its rows and content agree with the manifest.

    Both are None where the manifest has no number to agree with.
    """

    schema_name: str = Field(alias="schema")
    table: str
    rows: int | None = Field(ge=0)
    matches: bool | None


class Verification(Frozen):
    """The result of a drill. Seconds and bytes are of the restore; times are UTC."""

    backup_id: str
    tenant_id: str
    drilled_at: datetime
    seconds: float = Field(ge=0)
    restored_bytes: int = Field(ge=0)
    tables: list[VerifiedTable]
    digest_matches: bool
    server_id: str
    server_version: str
    operation_id: str
    # The scratch database on that server that could not be dropped; a later drill drops it. Empty: none is left.
    left_behind: str = ""
    # What differs from what was backed up, by name, at most ten.
    differing: list[str] = Field(default_factory=list)
    # Whether a restore does not bring back everything that there was; the manifest says what it leaves out.
    limited: bool = False
    # Roles that are not the tenant's, and not on the drill's server: what they owned was the tenant's owner's there.
    left_out: list[str] = Field(default_factory=list)

    # The code of what kept some of it from being counted when it was backed up, so that it could not be compared.
    uncounted: str | None = None

    @property
    def restored(self) -> bool:
        """Whether it could be restored, and all that could be compared is what was backed up."""
        return self.digest_matches and all(table.matches is not False for table in self.tables)

    @property
    def passed(self) -> bool:
        """Whether the restored data is what was backed up."""
        return self.restored and not self.uncounted

    @property
    def rows(self) -> int:
        """How many rows came back, of those that were counted."""
        return sum(table.rows or 0 for table in self.tables)
