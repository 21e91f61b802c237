"""Judges each revision: what squawk and our own rules say, by its phase, its tables and what it says of itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tenantry.domain.errors import InvalidSetting
from tenantry.domain.revision import Direction, Phase, Revision, Step
from tenantry.revisions.findings import Finding, Level, LintedRevision
from tenantry.revisions.lint.own import OwnRemark, remarks_on, remarks_on_batch
from tenantry.revisions.lint.proven import NOT_NULL_RULE, without_scan
from tenantry.revisions.lint.rules import ALSO_ON_NEW_TABLES, BY_SIZE, HINTS, LEFT_OUT, NEVER_ACCEPTED, TAKE_AWAY
from tenantry.revisions.lint.squawk import Document, Remark, ask_squawk
from tenantry.revisions.lint.statements import NAME, Statement, split
from tenantry.revisions.rendering import RenderedHistory, StepMissing

_NO_DOWNGRADE: Final = OwnRemark(
    "missing-downgrade", "It can't be taken back. Write `downgrade()`, or say in `safety_assured` why there is none."
)
_NO_UPGRADE: Final = OwnRemark("missing-upgrade", "It has no `upgrade()` that does something. Write it.")
_LEAVES: Final = OwnRemark(
    "leaves-transaction", "It leaves the transaction in which it is run. Set `in_transaction = False`."
)
_HIDDEN: Final = OwnRemark(
    "hidden-in-code", "What is written in a DO block can not be linted. Write statements, or read it twice."
)
_VALIDATION: Final = rf"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?{NAME} VALIDATE CONSTRAINT {NAME}$"
_WARNINGS: Final = frozenset({"not-renderable", "hidden-in-code"})


@dataclass
class _Subject:
    """A revision that is being judged: its digest, what it does, and what was found without squawk."""

    revision: Revision
    digest: str = ""
    upgrade: tuple[Statement, ...] = ()
    batch: tuple[Statement, ...] = ()
    found: list[Finding] = field(default_factory=list)

    @property
    def documents(self) -> tuple[Document, Document]:
        """What is asked of squawk: the upgrade, and a batch, which always has a transaction of its own."""
        return Document(self.upgrade, self.revision.in_transaction), Document(self.batch, in_transaction=True)

    def add(self, remark: OwnRemark, statement: Statement | None = None) -> None:
        """Add what does not depend on what was found before, and not twice."""
        finding = Finding(
            rule=remark.rule,
            level=Level.WARNING if remark.rule in _WARNINGS else Level.ERROR,
            message=remark.message,
            tables=statement.tables if statement else (),
            by_size=remark.rule in BY_SIZE,
            accepted="" if remark.rule in NEVER_ACCEPTED else self.revision.safety_assured,
        )
        if finding not in self.found:
            self.found.append(finding)


def lint(scripts: RenderedHistory) -> list[LintedRevision]:
    """Judge all revisions, oldest first; one that can't be run at all has an empty digest.

    :raises InvalidSetting: squawk is not installed.
    """
    subjects = [_subject(scripts, revision) for revision in scripts.history.revisions]
    remarks = iter(ask_squawk([document for subject in subjects for document in subject.documents]))
    unread = set(without_scan([subject.upgrade for subject in subjects]))
    for number, subject in enumerate(subjects):
        for document in subject.documents:
            for remark in next(remarks):
                if remark.rule == NOT_NULL_RULE and (number, remark.statement) in unread:
                    continue
                if _counts(remark.rule, subject.revision, document, remark.statement):
                    subject.add(_own(remark), document.statements[remark.statement])
    return [
        LintedRevision(one.revision.revision_id, one.digest, one.revision.phase, tuple(one.found)) for one in subjects
    ]


def _subject(scripts: RenderedHistory, revision: Revision) -> _Subject:
    subject = _Subject(revision, batch=tuple(split(revision.batch)))
    upgrade = _statements(scripts, Step(revision), subject)
    if upgrade is not None:
        subject.digest, subject.upgrade = scripts.digest(Step(revision)), upgrade
    downgrade = _statements(scripts, Step(revision, Direction.DOWNGRADE), subject)
    for remark, statement in _own_remarks(subject):
        subject.add(remark, statement)
    for statement in downgrade or ():
        for remark in remarks_on(statement, in_transaction=revision.in_transaction):
            if remark.rule in NEVER_ACCEPTED:
                subject.add(OwnRemark(remark.rule, f"Its downgrade: {remark.message}"), statement)
    return subject


def _statements(scripts: RenderedHistory, step: Step, subject: _Subject) -> tuple[Statement, ...] | None:
    """Return a step's statements, none if they are not known before; None, with a finding, if it can't be taken."""
    try:
        rendering = scripts.render(step)
    except StepMissing:
        subject.add(_NO_UPGRADE if step.direction is Direction.UPGRADE else _NO_DOWNGRADE)
        return None
    except InvalidSetting:
        subject.add(_LEAVES)
        return None
    if rendering is not None:
        return tuple(statement for text in rendering.statements for statement in split(text))
    if remark := _unrendered(step, scripts.obstacle(step)):
        subject.add(remark)
    return ()


def _unrendered(step: Step, obstacle: str) -> OwnRemark | None:
    why = f"It is no SQL before it is run ({obstacle}): it asks the database something, or fails."
    if not step.revision.in_transaction:
        return OwnRemark("not-renderable-outside", f"{why} Outside a transaction write what it does as SQL.")
    if step.direction is Direction.DOWNGRADE:
        return None
    if step.revision.phase is Phase.BACKFILL:
        return OwnRemark("not-renderable-backfill", f"{why} In a backfill write what it does as SQL, in its batch.")
    return OwnRemark("not-renderable", f"{why} So it can not be linted: read it twice.")


def _own_remarks(subject: _Subject) -> Iterator[tuple[OwnRemark, Statement | None]]:
    document, _ = subject.documents
    for number, statement in enumerate(document.statements):
        if statement.begins(r"DO\b"):
            yield _HIDDEN, statement
        for remark in remarks_on(statement, in_transaction=document.in_transaction):
            if _counts(remark.rule, subject.revision, document, number):
                yield remark, statement
    if subject.revision.phase is Phase.BACKFILL:
        for remark in remarks_on_batch(subject.batch):
            yield remark, subject.batch[0] if subject.batch else None


def _counts(rule: str, revision: Revision, document: Document, number: int) -> bool:
    statement = document.statements[number]
    if rule in LEFT_OUT or (rule in TAKE_AWAY and revision.phase is Phase.CONTRACT):
        return False
    if rule == "prefer-robust-stmts" and (document.in_transaction or statement.begins(_VALIDATION)):
        # What fails in a transaction was not done; and to validate once more does no harm.
        return False
    made = {one.made_table for one in document.statements[:number]}
    is_new = bool(statement.tables) and made.issuperset(statement.tables)
    return rule in ALSO_ON_NEW_TABLES or not is_new


def _own(remark: Remark) -> OwnRemark:
    message = remark.message if remark.message.endswith((".", "!")) else f"{remark.message}."
    return OwnRemark(remark.rule, f"{message} {HINTS.get(remark.rule, remark.advice)}".rstrip())
