"""The journey of a tenant from one home to another, as stored in an operation's facts."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from tenantry.domain.errors import BadRequest
from tenantry.domain.home import home_of_facts
from tenantry.domain.tenant import Home, Isolation, TenantId, new_home

MOVE, PROMOTE = "move_tenant", "promote_tenant"
ABANDON, UNDO, CONFIRM = "abandon_move", "undo_move", "confirm_move"
CLONE = "clone_tenant"

# The fact of an undo from a server that is lost: what was written since this time, that of the move, is lost.
LOST_SINCE = "writes_lost_since"
# The code of such an undo where the former home is not as the tenant has left it either.
DAMAGED = "former_home_damaged"

# For each isolation model, the models that isolate more.
_PROMOTIONS = {
    Isolation.POOLED: frozenset({Isolation.SCHEMA, Isolation.DATABASE}),
    Isolation.SCHEMA: frozenset({Isolation.DATABASE}),
    Isolation.DATABASE: frozenset[Isolation](),
}


@dataclass(frozen=True, slots=True)
class Journey:
    """The home that a tenant leaves, and the home that it goes to."""

    source: Home
    target: Home

    @property
    def leaves_server(self) -> bool:
        """Whether the new home is on another server, where the tenant's roles have to be made too."""
        return self.source.server_id != self.target.server_id

    @property
    def is_shared(self) -> bool:
        """Whether one of the two homes is rows of shared tables."""
        return Isolation.POOLED in (self.source.isolation, self.target.isolation)

    @property
    def copies_schema(self) -> bool:
        """Whether a dump of one home can be restored into the other; otherwise rows are copied table by table."""
        narrows = (self.source.isolation, self.target.isolation) == (Isolation.DATABASE, Isolation.SCHEMA)
        return not self.is_shared and not narrows

    def back(self) -> "Journey":
        """Return the journey in the opposite direction."""
        return Journey(self.target, self.source)

    def to_facts(self) -> dict[str, Any]:
        """Return the journey as JSON values."""
        return {"source": asdict(self.source), "target": asdict(self.target)}


def journey_of(facts: dict[str, Any]) -> Journey:
    """Read a journey from an operation's facts."""
    return Journey(home_of_facts(facts["source"]), home_of_facts(facts["target"]))


def can_be_promoted(present: Isolation, wanted: Isolation | None) -> bool:
    """Tell whether a promotion leads from one isolation model to the other."""
    return wanted in _PROMOTIONS[present]


def promoted(tenant_id: TenantId, home: Home, isolation: Isolation) -> Home:
    """Return a tenant's home after a promotion, on the same server.

    A schema keeps its name in a database of its own: functions spell it, and a rename would not reach them.

    :raises BadRequest: the new model does not isolate more than the present one.
    """
    if not can_be_promoted(home.isolation, isolation):
        raise BadRequest(
            f"A tenant that is '{home.isolation}' can't be promoted to '{isolation}'.",
            code="no_promotion",
            hint="pooled can become schema or database; schema can become database.",
        )
    made = new_home(tenant_id, home.server_id, isolation)
    return replace(made, schema=home.schema) if home.isolation is Isolation.SCHEMA else made
