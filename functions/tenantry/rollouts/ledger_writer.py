"""Writes down what a worker has done, in no more messages than needed."""

from typing import Final, Self

from tenantry.rollouts.ledger import Ledger
from tenantry.rollouts.rollout import Entry, EntryState

# As many as one message to DynamoDB takes.
_TOGETHER: Final = 25


class LedgerWriter:
    """Writes entries to the ledger: what was found done already together with others, all else at once.

    What was done to a home that this worker had claimed is written in any case, all else over what was read only.
    """

    def __init__(self, ledger: Ledger, rollout_id: str) -> None:
        """Take the ledger, and the rollout whose entries are written."""
        self._ledger = ledger
        self._rollout_id = rollout_id
        self._waiting: list[Entry] = []

    def add(self, before: Entry, after: Entry) -> None:
        """Write one now, or soon: if it is not written, it is found done again."""
        if after.version != before.version:
            self._ledger.put(self._rollout_id, after)
        elif after.attempts or after.state is not EntryState.DONE:
            self._ledger.replace(self._rollout_id, after)
        else:
            self._waiting.append(after)
            if len(self._waiting) >= _TOGETHER:
                self._flush()

    def _flush(self) -> None:
        self._ledger.replace_all(self._rollout_id, self._waiting)
        self._waiting.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
