"""Stores the audit trail: one item per action in the registry's table, written once.

`pk` is `AUDIT#` and the month, `sk` a ULID: a month's entries share a partition and sort by time. The table's index by
target finds those about one thing, of all months.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from tenantry.aws.registry import registry_unavailable
from tenantry.aws.registry_pages import BEGINS, Condition, Span, read_page
from tenantry.domain.operation_expiry import expiry
from tenantry.domain.paging import Page, PageRequest
from tenantry.domain.ulid import first_ulid, is_ulid, last_ulid, ulid_time
from tenantry.operations.audit import AuditEntry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KIND: Final = "AUDIT#"
# So many months without an entry are passed over for one page.
_EMPTY_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries: those from `since` until just before `until`; an empty target means any."""

    since: datetime
    until: datetime
    target: str = ""

    def has(self, position: str) -> bool:
        """Tell whether a position lies between the two times."""
        return is_ulid(position) and first_ulid(self.since) <= position <= first_ulid(self.until)

    def span(self, position: str) -> Span:
        """Say where the entries behind a position are: with a target in the index, or else in one month."""
        low, high = first_ulid(self.since), first_ulid(self.until)
        if self.target:
            ours = (Condition("pk", _KIND, BEGINS),)
            return Span(self.target, low, high, True, ours, table_key=lambda entry: _month(ulid_time(entry)))
        return Span(_month(self._newest(position)), low, high, newest_first=True)

    def month_before(self, position: str) -> str:
        """Return the position from which the month before that of a position is read; empty if none is wanted."""
        first = self._newest(position).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return "" if self.target or first <= self.since else last_ulid(first - timedelta(milliseconds=1))

    def _newest(self, position: str) -> datetime:
        return ulid_time(position) if position else (self.until - timedelta(milliseconds=1)).astimezone(UTC)


class AuditLog:
    """Appends entries and reads them back, newest first."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, days: int = 0) -> None:
        """Take the registry's table, and how many days an entry is kept; 0 is for ever."""
        self._dynamodb = dynamodb
        self._table = table
        self._days = days

    def append(self, entry: AuditEntry) -> None:
        """Write an entry; an existing entry is never overwritten.

        :raises DependencyFailed: DynamoDB did not take it.
        """
        fields = {"actor": entry.actor, "action": entry.action, "target": entry.target, "outcome": entry.outcome}
        item: dict[str, Any] = {"pk": {"S": _month(entry.at)}, "sk": {"S": entry.entry_id}}
        item |= {"at": {"S": entry.at.isoformat()}, **{name: {"S": value} for name, value in fields.items()}}
        if self._days:
            item["expires_at"] = {"N": str(expiry(entry.at, self._days))}
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except (ClientError, BotoCoreError) as exc:
            raise registry_unavailable() from exc

    def page(self, wanted: AuditFilter, request: PageRequest) -> Page[AuditEntry]:
        """Read a page of entries, newest first. Without a target a page ends where its month does.

        :raises DependencyFailed: DynamoDB did not answer.
        """
        for _ in range(_EMPTY_MONTHS):
            page = read_page(self._dynamodb, self._table, wanted.span(request.after), request).map(_entry)
            if not page.after:
                page = Page(page.items, wanted.month_before(request.after))
            if page.items or not page.after:
                break
            request = PageRequest(request.limit, page.after)
        return page


def _month(at: datetime) -> str:
    return f"AUDIT#{at.astimezone(UTC):%Y-%m}"


def _entry(item: Any) -> AuditEntry:
    fields = {name: value["S"] for name, value in item.items() if "S" in value}
    return AuditEntry(
        entry_id=fields["sk"],
        at=datetime.fromisoformat(fields["at"]),
        actor=fields["actor"],
        action=fields["action"],
        target=fields["target"],
        outcome=fields["outcome"],
    )
