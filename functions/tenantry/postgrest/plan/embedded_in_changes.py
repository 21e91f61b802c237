"""What embedded tables mean for a change: which of them bound it, and what is refused of them."""

from collections.abc import Sequence
from dataclasses import replace

from tenantry.domain.errors import GrammarError
from tenantry.postgrest.sql.having_rows import deciding, is_more_than_filtered
from tenantry.postgrest.sql.tree import ReadNode


def has_inner_filter(node: ReadNode) -> bool:
    """Whether a table that is embedded with `!inner` has a filter, which bounds the rows of the node itself."""
    return any(child.is_inner and (child.asked.conditions or has_inner_filter(child)) for child in node.children)


def refuse_idle_filters(node: ReadNode, *, shown: bool) -> None:
    """Refuse filters of embedded tables, at any level, that bound neither what is changed nor what is shown of it.

    :param shown: rows of the node are in the answer.
    """
    bounding = {id(child) for child in deciding(node)}
    for child in node.children:
        is_shown = shown and not child.is_silent
        if is_shown or id(child) in bounding:
            refuse_idle_filters(child, shown=is_shown)
        elif _has_filter(child):
            raise GrammarError(
                f"the filter of '{child.key[:100]}' has no effect: no rows of it are returned",
                hint="Write '!inner' behind the table in 'select' to change only rows that have some of its rows.",
            )


def refuse_bounding_windows(node: ReadNode) -> None:
    """Refuse windows and aggregates of embedded tables whose having rows decides what is changed.

    A read shows as many rows as they leave, and that is not how many match.
    """
    for child in deciding(node):
        if is_more_than_filtered(child):
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
