"""Fills a scratch database from an archive in S3: as one stream, or with its rows dealt out to several sessions.

The archive is fetched once and lies in no file: tables, keys and rights need its beginning only, and rows go on as they
come.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tenantry.contents.cast_order import cast_stages, write_numbers
from tenantry.database.client_environment import CopyTools
from tenantry.database.pg_restore import Restore, RestoreTarget
from tenantry.domain.backup import Manifest
from tenantry.domain.errors import RestoreFailed
from tenantry.domain.surroundings import Cast
from tenantry.restores.archive.contents import ArchiveEntry, Contents, write_entries
from tenantry.restores.archive.row_distributor import RowDistributor, can_be_distributed
from tenantry.restores.archive.session import RestoreSession
from tenantry.restores.archive.source import ArchiveSource

# Below this the programs that are started and the sessions that are opened cost more than they save.
LARGE_BYTES = 128 << 20
# Sessions that bring rows at once.
SESSIONS = 3
# How much of the stored archive is fetched to find its table of contents; a longer one is restored as a stream.
_HEADS = (1 << 20, 1 << 24)


@dataclass(frozen=True, slots=True)
class Archive:
    """A backup's archive, and where it is fetched from."""

    source: ArchiveSource
    manifest: Manifest
    bucket: str


class CastMaker(NamedTuple):
    """The casts that an archive of a schema lacks, that schema's name in it, and what makes some of them."""

    casts: Sequence[Cast]
    schema: str
    make: Callable[[Sequence[Cast]], None]


class Filling:
    """One archive on its way into one database."""

    def __init__(
        self,
        archive: Archive,
        target: RestoreTarget,
        tools: CopyTools,
        deadline: float,
        casts: CastMaker | None = None,
    ) -> None:
        """Take what goes where; the deadline is of `time.monotonic()`. `casts` are made as soon as they can be."""
        self._casts = casts
        self._archive = archive
        self._target = target
        self._tools = tools
        self._deadline = deadline

    def run(self) -> None:
        """Restore it; when this returns, it was what was backed up.

        :raises RestoreFailed: it is damaged, or could not be restored, or not in time.
        :raises DependencyFailed: S3 did not answer.
        """
        # Several sessions count several errors on a server that does not know all settings.
        large = self._archive.manifest.dump.dump_bytes >= LARGE_BYTES and self._target.knows_all_settings
        if not (large and self._by_sessions()):
            self._stream()

    def _by_sessions(self) -> bool:
        """Restore it by several sessions, unless it can't be told where its rows begin."""
        with TemporaryDirectory(prefix="tenantry-restore-") as directory:
            head = Path(directory) / "head"
            entries = self._read_contents(head)
            if entries:
                self._fill(head, entries)
        return bool(entries)

    def _stream(self) -> None:
        with (
            TemporaryDirectory(prefix="tenantry-restore-") as directory,
            Restore(self._what_is_streamed(Path(directory) / "head"), self._tools, self._deadline) as restore,
        ):
            # What ends early has the reason, or was in no need of the rest: the archive is whole.
            self._pump(restore.write)
            restore.finish()

    def _what_is_streamed(self, head: Path) -> RestoreTarget:
        """Leave out what only others may make or say, and make what casts are needed by; most archives have neither."""
        target = self._target
        names_others = target.keep_rights and self._archive.manifest.names_others
        if not (target.left_out or names_others or self._casts):
            return target
        contents = Contents(head, target, self._tools, self._deadline)
        if self._read_head(head, contents) is None:
            return target
        wanted = contents.wanted()
        # Narrowed once more, the rights of tables that are not listed with them would go.
        narrowed = replace(target, schema="", tables=(), entries=write_entries(wanted, head.with_name("wanted")))
        if not self._casts:
            return narrowed
        self._make_with_casts(head, narrowed)
        return replace(narrowed, sections=("data", "post-data"))

    def _make_with_casts(self, head: Path, target: RestoreTarget) -> None:
        """Restore what comes before the rows, with each cast as soon as it can be made."""
        early = replace(target, sections=("pre-data",))
        if self._casts is None:
            self._restore(head, early)
            return
        maker = self._casts
        wanted = Contents(head, early, self._tools, self._deadline).wanted()
        for stage in cast_stages([(entry.number, entry.text) for entry in wanted], maker.casts, maker.schema):
            file = write_numbers(stage.numbers, head.with_name("stage"))
            # Without a section: a comment counts to that of the entry before it, which may not be one of the stage.
            self._restore(head, replace(target, schema="", tables=(), entries=file))
            maker.make(stage.casts)

    def _read_head(self, head: Path, contents: Contents) -> list[ArchiveEntry] | None:
        """Fetch as much of the archive's beginning into a file as has its contents; None: it is too long."""
        for size in _HEADS:
            head.write_bytes(self._archive.source.head(self._archive.manifest, self._archive.bucket, size))
            entries = contents.entries()
            if entries is not None:
                return entries
        return None

    def _read_contents(self, head: Path) -> list[ArchiveEntry] | None:
        """Fetch the archive's beginning into a file, up to the rows; None: it can't be told where they begin."""
        contents = Contents(head, self._target, self._tools, self._deadline)
        entries = self._read_head(head, contents)
        if entries is None:
            return None
        return entries if can_be_distributed(head.read_bytes()) and contents.cut(entries) else None

    def _fill(self, head: Path, entries: list[ArchiveEntry]) -> None:
        """Do what pg_restore does with an archive, in its order: rights last, for they may be the owner's own."""
        bare = self._without_left_out(head, replace(self._target, keep_rights=False))
        try:
            self._make_with_casts(head, bare)
        except RestoreFailed:
            # Whether the archive is damaged is the better answer.
            self._pump(lambda _: None)
            raise
        self._deal_rows(head, entries, replace(self._target, keep_rights=False, sections=("data",)))
        if not self._target.sections:
            last = replace(bare, sections=("post-data",), alone=_is_spread(self._archive.manifest))
            self._restore(head, last)
            self._restore_rights(head)

    def _without_left_out(self, head: Path, target: RestoreTarget) -> RestoreTarget:
        if not target.left_out:
            return target
        wanted = Contents(head, target, self._tools, self._deadline).wanted()
        return replace(target, schema="", tables=(), entries=write_entries(wanted, head.with_name("wanted")))

    def _restore_rights(self, head: Path) -> None:
        wanted = Contents(head, self._target, self._tools, self._deadline).wanted()
        if rights := [entry for entry in wanted if entry.is_rights]:
            file = write_entries(rights, head.with_name("rights"))
            # Narrowed once more, those of tables that are not listed with them would go.
            self._restore(head, replace(self._target, schema="", tables=(), entries=file))

    def _restore(self, head: Path, target: RestoreTarget) -> None:
        with Restore(target, self._tools, self._deadline, head) as restore:
            restore.finish()

    def _deal_rows(self, head: Path, entries: list[ArchiveEntry], target: RestoreTarget) -> None:
        rows = write_entries([entry for entry in entries if entry.has_rows], head.with_name("rows"))
        targets = [target, *[replace(target, entries=rows)] * (SESSIONS - 1)]
        with ExitStack() as stack:
            restores = (Restore(target, self._tools, self._deadline) for target in targets)
            sessions = [stack.enter_context(RestoreSession(restore)) for restore in restores]
            distributor = RowDistributor(head.read_bytes(), sessions)
            self._pump(distributor.take)
            # Those that have not failed lack what came after that.
            for session in sorted(sessions, key=lambda session: not session.has_failed):
                session.finish()

    def _pump(self, write: Callable[[bytes], None]) -> None:
        # Who ends early has the reason, or was in no need of the rest: the archive is whole.
        with suppress(BrokenPipeError):
            self._archive.source.pump(self._archive.manifest, self._archive.bucket, write)


def _is_spread(manifest: Manifest) -> bool:
    """Whether sessions have keys to build at once; else most is one table, which parallel workers help with."""
    rows = [table.rows or 0 for table in manifest.tables]
    return 2 * max(rows, default=0) <= sum(rows)
