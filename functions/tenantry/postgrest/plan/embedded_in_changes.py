"""What embedded tables mean for a change: which of them bound it, and what is refused for bounding it otherwise."""

from collections.abc import Sequence
from dataclasses import replace

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.sql.select_writer import null_filters
from tenantry.postgrest.sql.spreading import gives_aggregate, is_grouped
from tenantry.postgrest.sql.tree import ReadNode


def has_inner_filter(node: ReadNode) -> bool:
    """Whether a table that is embedded with `!inner` has a filter, which bounds the rows of the node itself."""
    return any(child.is_inner and (child.asked.conditions or has_inner_filter(child)) for child in node.children)


def refuse_idle_filters(root: ReadNode) -> None:
    """Refuse filters of embedded tables that do not bound a change of which nothing is shown."""
    asked_for = [id(child) for _, child, _ in null_filters(root)]
    for child in root.children:
        if _has_filter(child) and not (child.is_inner or id(child) in asked_for):
            raise GrammarError(
                f"the filter of '{child.key[:100]}' has no effect: no rows of it are returned",
                hint="Write '!inner' behind the table in 'select' to change only rows that have some of its rows.",
            )


def refuse_bounding_windows(node: ReadNode) -> None:
    """Refuse windows and aggregates of embedded tables whose having rows decides what is changed.

    A read shows as many rows as they leave, and that is not how many match.
    """
    asked_for = [id(child) for _, child, _ in null_filters(node)]
    for child in node.children:
        if not (child.is_inner or id(child) in asked_for):
            continue
        window = child.asked.window
        if window.offset or window.limit == 0 or is_grouped(child) or gives_aggregate(child):
            raise GrammarError(
                f"'{child.key[:100]}' bounds what is changed, so it has no offset, no limit of 0 and no aggregates",
                hint="Leave them out, or write its conditions as filters.",
            )
        refuse_bounding_windows(child)


def _has_filter(node: ReadNode) -> bool:
    return bool(node.asked.conditions) or any(_has_filter(child) for child in node.children)


def joined_left(children: Sequence[ReadNode]) -> list[ReadNode]:
    """Let embedded tables of which there is no row hide none of the rows that were changed."""
    return [replace(child, embed=child.embed and replace(child.embed, inner=False)) for child in children]
