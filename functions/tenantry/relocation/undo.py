"""Ends a move or a promotion: confirms it, abandons it half-way, or undoes it without losing a row."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tenantry.contents.copied_settings import bring_role_settings
from tenantry.contents.omissions import require_copyable
from tenantry.contents.residents import Resident
from tenantry.database.marks import ignore_name_taken
from tenantry.domain.errors import Conflict
from tenantry.domain.home import home_of_facts
from tenantry.domain.operation import MARKED, Operation, tenant_of
from tenantry.domain.relocation import DAMAGED, LOST_SINCE, journey_of
from tenantry.domain.tenant import Home, Isolation, Tenant
from tenantry.homes.gone import ignore_gone, is_there
from tenantry.operations.operations import Step
from tenantry.relocation.steps import Relocation
from tenantry.servers.servers import Servers


class Confirmation:
    """Drops the home that a tenant has left."""

    def __init__(self, relocation: Relocation) -> None:
        """Take the relocation, which has the steps and the adapters."""
        self._relocation = relocation

    def steps(self) -> Sequence[Step]:
        """List the steps in order."""
        return (Step("drop_former_home", self._drop), Step("forget_former_home", self._forget))

    def give_up(self, operation: Operation) -> Operation:
        """Let the tenant go where its present server was lost meanwhile: its former home is to be kept now."""
        if self._relocation.is_under_way(operation) and "drop_former_home" not in operation.done:
            former = home_of_facts(operation.facts["former_home"])
            if not operation.facts.get(DAMAGED) and is_all_there_is(
                self._relocation.servers, self._relocation.tenant(operation), former
            ):
                self._relocation.release(operation)
        return operation

    def _drop(self, operation: Operation) -> None:
        tenant, former = self._relocation.tenant(operation), home_of_facts(operation.facts["former_home"])
        if not operation.facts.get(DAMAGED):
            require_present(self._relocation.servers, tenant, former)
        if operation.facts.get("stays"):
            # An undo was given up: whatever it had begun, the tenant is at home here.
            self._stay(operation)
        if tenant.former_home == former:
            self._relocation.drop_home(operation, former, with_roles=former.server_id != tenant.server_id)

    def _stay(self, operation: Operation) -> None:
        if self._relocation.servers.is_lost(self._relocation.tenant(operation).server_id):
            return
        with ignore_gone():
            home = self._relocation.present(operation)
            home.open()
            home.unfence()

    def _forget(self, operation: Operation) -> None:
        self._relocation.release(operation, former_home=None)


def require_present(servers: Servers, tenant: Tenant, former: Home) -> None:
    """Make sure that a former home is not all that there is.

    :raises Conflict: the tenant lives on a lost server, and its former home is on another (`server_lost`).
    """
    if is_all_there_is(servers, tenant, former):
        raise Conflict(
            "The server that the tenant lives on is lost, so its former place may be all that there is.",
            code="server_lost",
            hint="Undo the move: the tenant is served again as it was then. What it has written since is lost.",
        )


def is_all_there_is(servers: Servers, tenant: Tenant, former: Home) -> bool:
    """Tell whether a tenant has nothing but its former home, because the server that it lives on is lost."""
    return servers.is_lost(tenant.server_id) and not servers.is_lost(former.server_id)


class Abandonment:
    """Takes back a relocation that has not reached its switch."""

    def __init__(self, relocation: Relocation) -> None:
        """Take the relocation, which has the steps and the adapters."""
        self._relocation = relocation

    def steps(self) -> Sequence[Step]:
        """List the steps in order."""
        return (
            Step("reopen", self._reopen),
            Step("drop_target", self._drop_target),
            Step("forget", self._forget),
        )

    def _reopen(self, operation: Operation) -> None:
        self._relocation.tenant(operation)
        if self._relocation.has_arrived(operation):
            # Only its own steps can finish it: give the tenant back to the operation that was to be abandoned.
            self._relocation.hand_over(operation, operation.facts["abandoned"])
            raise Conflict(
                "The tenant lives at its new place already.",
                code="already_switched",
                hint="Repeat the call that moves it; then it can be undone.",
            )
        self._relocation.reopen(operation)

    def _drop_target(self, operation: Operation) -> None:
        self._relocation.tenant(operation)
        journey = journey_of(operation.facts)
        if self._relocation.is_source_gone(operation):
            # Somebody has dropped it meanwhile: what was copied may be all that there is.
            self._relocation.leave_behind(operation, journey.target)
            return
        if journey.leaves_server and not self._relocation.servers.is_lost(journey.target.server_id):
            with ignore_name_taken():
                self._claim(operation, journey.target)
        self._relocation.drop_home(operation, journey.target, with_roles=journey.leaves_server)

    def _forget(self, operation: Operation) -> None:
        self._relocation.release(operation)

    def _claim(self, operation: Operation, target: Home) -> None:
        """Mark the roles that an older version has made for the move, so that they are known as the tenant's and go."""
        if MARKED not in operation.facts and self._relocation.secrets.find(tenant_of(operation)):
            self._relocation.make_roles(operation, target.server_id)


class Return:
    """Brings a tenant back to the home that it has left, with everything written since.

    The operation's journey leads back: its source is the present home, its target the former one.
    """

    def __init__(self, relocation: Relocation) -> None:
        """Take the relocation, which has the steps and the adapters."""
        self._relocation = relocation

    def steps(self) -> Sequence[Step]:
        """List the steps in order; if nothing was written since the switch, nothing is copied."""
        there = {step.name: step.run for step in self._relocation.steps()}
        return (
            Step("fence", lambda operation: None if self._needs_no_copy(operation) else there["fence"](operation)),
            Step("look", self._look),
            Step("copy", self._copy),
            Step("compare", lambda operation: there["compare"](operation) if operation.facts["changed"] else None),
            Step("unlock", self._unlock),
            Step("switch", self._switch),
            Step("drop_new_home", self._drop_new_home),
            Step("forget_new_home", self._forget),
        )

    def give_up(self, operation: Operation) -> Operation:
        """Compensate a step that failed before the switch: let the tenant write again in its present home."""
        if not self._relocation.is_under_way(operation):
            return operation
        if self._relocation.has_arrived(operation):
            return replace(operation, facts=operation.facts | {"arrived": True})
        self._relocation.reopen(operation)
        return replace(operation, done=())

    def _look(self, operation: Operation) -> dict[str, Any] | None:
        """Compare the present home with its state at the switch; if it differs, make sure that it can be copied back.

        :raises Conflict: it differs, and can't be copied to the former home (`changed_since`).
        """
        relocation, journey = self._relocation, journey_of(operation.facts)
        tenant = relocation.tenant(operation)
        if relocation.has_arrived(operation) or relocation.is_one_place(operation):
            return {"changed": False}
        if journey.leaves_server:
            # A rotation since the switch may have changed the login in use.
            relocation.make_roles(operation, journey.target.server_id)
        if relocation.servers.is_lost(journey.source.server_id):
            return self._look_at_former(operation)
        relocation.admit(operation, journey.source)
        source, target = relocation.residents(operation)
        mark = relocation.copier.read(source).mark()
        # Whom the tenant has kept out since must not be let in again.
        changed = mark != operation.facts.get("mark") or not relocation.copier.same_rights(source, target)
        is_redefined = self._is_redefined(operation, source)
        if (changed or is_redefined) and journey.copies_schema:
            require_copyable(relocation.servers.connector(journey.source.server_id), tenant.tenant_id, journey.source)
        if (changed or is_redefined) and not journey.copies_schema:
            relocation.copier.has_same_tables(source, target)
            if is_redefined:
                raise _cannot_bring_definitions()
        # What an attempt before has begun to copy has left the former home half full.
        changed = changed or is_redefined or bool(operation.facts.get("changed"))
        revision = tenant.schema_revision if changed else operation.facts["schema_revision"]
        return {"changed": changed, "schema_revision": revision, "source_mark": mark, LOST_SINCE: None}

    def _look_at_former(self, operation: Operation) -> dict[str, Any]:
        """Make sure that the former home is as the tenant has left it: with its present one lost, it is all there is.

        :raises Conflict: an undo that was cut off has begun to overwrite it (`former_home_damaged`).
        """
        if not self._is_former_whole(operation):
            raise Conflict(
                "The server that the tenant lives on is lost, and its former place is not as the tenant has left it.",
                code="former_home_damaged",
                hint="Confirm the move, then restore a backup on another server.",
            )
        return {"changed": False, LOST_SINCE: operation.facts.get("moved_at") or "the move"}

    def _is_former_whole(self, operation: Operation) -> bool:
        _, former = self._relocation.residents(operation)
        if not is_there(self._relocation.servers.connector(former.home.server_id), former.home):
            return False
        noted = operation.facts.get("former_mark")
        # Of a move that was made by an older version nothing is known, but whether an attempt has begun to copy.
        return self._relocation.copier.mark_closed(former) == noted if noted else not operation.facts.get("changed")

    def _needs_no_copy(self, operation: Operation) -> bool:
        source = journey_of(operation.facts).source
        return self._relocation.servers.is_lost(source.server_id) or self._relocation.is_one_place(operation)

    def _switch(self, operation: Operation) -> dict[str, Any] | None:
        if not self._relocation.is_one_place(operation):
            return self._relocation.switch(operation)
        self._relocation.rename_place(operation)
        return None

    def _is_redefined(self, operation: Operation, source: Resident) -> bool:
        """Tell whether functions, policies, indexes or anything else were defined anew since the switch.

        Of a move that was made by an older version nothing is known: then all that can be is brought along.
        """
        if "fingerprint" not in operation.facts:
            return journey_of(operation.facts).copies_schema
        noted: str = operation.facts["fingerprint"]
        return self._relocation.copier.definitions(source) != noted

    def _copy(self, operation: Operation) -> dict[str, Any] | None:
        self._relocation.tenant(operation)
        if not operation.facts["changed"] or self._relocation.has_arrived(operation):
            return None
        journey = journey_of(operation.facts)
        if journey.copies_schema or journey.target.isolation is Isolation.POOLED:
            self._relocation.make_room(operation)
        # Otherwise the tables still exist, and are emptied in the transaction that fills them.
        return self._relocation.copy(operation)

    def _unlock(self, operation: Operation) -> None:
        """Lift the fence under which the tenant left its former home; the home is still closed."""
        self._relocation.tenant(operation)
        if not self._relocation.has_arrived(operation):
            self._relocation.target(operation).unfence()
            if not operation.facts.get(LOST_SINCE):
                # They are no content: where nothing was written since, nothing was copied.
                bring_role_settings(self._relocation.servers, *self._relocation.residents(operation))

    def _drop_new_home(self, operation: Operation) -> None:
        self._relocation.tenant(operation)
        journey = journey_of(operation.facts)
        if operation.facts.get(LOST_SINCE):
            # Should its server be found again: what was written there since is nowhere else.
            self._relocation.leave_behind(operation, journey.source)
            return
        self._relocation.drop_home(operation, journey.source, with_roles=journey.leaves_server)

    def _forget(self, operation: Operation) -> None:
        self._relocation.release(operation, former_home=None)


def _cannot_bring_definitions() -> Conflict:
    return Conflict(
        "Functions, policies, indexes or other definitions were changed since, and only rows can be brought back.",
        code="changed_since",
        hint="Confirm the move, or take those changes back and repeat the call.",
    )
