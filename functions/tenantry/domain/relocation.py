"""A tenant's way from one home to another, as an operation's facts hold it."""

from dataclasses import asdict, dataclass
from typing import Any

from tenantry.domain.errors import BadRequest
from tenantry.domain.home import home_of_facts
from tenantry.domain.tenant import Home, Isolation, TenantId, new_home

MOVE, PROMOTE = "move_tenant", "promote_tenant"
ABANDON, UNDO, CONFIRM = "abandon_move", "undo_move", "confirm_move"
CLONE = "clone_tenant"

# From a model to those that separate more.
_PROMOTIONS = {
    Isolation.POOLED: frozenset({Isolation.SCHEMA, Isolation.DATABASE}),
    Isolation.SCHEMA: frozenset({Isolation.DATABASE}),
    Isolation.DATABASE: frozenset[Isolation](),
}


@dataclass(frozen=True, slots=True)
class Journey:
    """From where to where a tenant goes."""

    source: Home
    target: Home

    @property
    def leaves_server(self) -> bool:
        """Whether it goes to another server, where its roles have to be made too."""
        return self.source.server_id != self.target.server_id

    @property
    def is_shared(self) -> bool:
        """Whether one of the two homes is a part of tables that others share."""
        return Isolation.POOLED in (self.source.isolation, self.target.isolation)

    @property
    def copies_schema(self) -> bool:
        """Whether a dump of the one home can be restored into the other; else rows go from table to table."""
        narrows = (self.source.isolation, self.target.isolation) == (Isolation.DATABASE, Isolation.SCHEMA)
        return not self.is_shared and not narrows

    def back(self) -> "Journey":
        """Turn it round."""
        return Journey(self.target, self.source)

    def to_facts(self) -> dict[str, Any]:
        """Write it as JSON values."""
        return {"source": asdict(self.source), "target": asdict(self.target)}


def journey_of(facts: dict[str, Any]) -> Journey:
    """Read it back from an operation's facts."""
    return Journey(home_of_facts(facts["source"]), home_of_facts(facts["target"]))


def promoted(tenant_id: TenantId, home: Home, isolation: Isolation) -> Home:
    """Say where a tenant lives after a promotion, on the server on which it is.

    :raises BadRequest: that is no promotion.
    """
    if isolation not in _PROMOTIONS[home.isolation]:
        raise BadRequest(
            f"A tenant that is '{home.isolation}' can't be promoted to '{isolation}'.",
            code="no_promotion",
            hint="pooled can become schema or database; schema can become database.",
        )
    return new_home(tenant_id, home.server_id, isolation)
