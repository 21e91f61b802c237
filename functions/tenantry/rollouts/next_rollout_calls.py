"""What an operator can call next about a rollout."""

from typing import Final

from tenantry.domain.next_calls import NextCall
from tenantry.rollouts.rollout import PLANNING, TOO_MANY_ERRORS, Rollout, RolloutState

_API: Final = "/admin/v1/rollouts"


def next_rollout_calls(rollout: Rollout) -> list[NextCall]:
    """List the calls that are accepted next, the likeliest first; none where there is nothing to do."""
    here = f"POST {_API}/{rollout.rollout_id}"
    cancel = NextCall(f"{here}/cancel", "leave everybody who is not done as they are")
    resume = NextCall(f"{here}/resume", "go on; what has failed or was blocked is tried anew")
    pause = NextCall(f"{here}/pause", "begin nothing more until it is resumed")
    promote = NextCall(f"{here}/promote", "let the next wave begin")
    end_soak = NextCall(f"{here}/promote", "end the soak time, and let the next wave begin whatever the errors")
    skip = NextCall(f"{here}/skip", "leave out a tenant that has failed or is blocked", {"tenant": "…", "reason": "…"})
    revert = NextCall(f"{here}/revert", "take back what it did, in the homes that it changed")
    if rollout.reason == PLANNING:
        return [cancel]
    if rollout.reason == TOO_MANY_ERRORS:
        return [
            NextCall(f"{here}/resume", "soak once more: errors are counted from now on"),
            NextCall(f"{here}/promote", "go on, where the errors are harmless"),
            NextCall(f"{here}/cancel", "end it; then it can be reverted"),
        ]
    return {
        RolloutState.RUNNING: [*([end_soak] if rollout.soak_until else []), pause, cancel],
        RolloutState.WAITING: [promote, cancel],
        RolloutState.PAUSED: [resume, cancel],
        RolloutState.STOPPED: [resume, skip, cancel],
        RolloutState.PLANNED: [NextCall(f"POST {_API}", "start it: the same body without dry_run")],
    }.get(rollout.state, [] if rollout.reverts else [revert])
