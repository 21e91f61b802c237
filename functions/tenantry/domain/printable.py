"""Text that others chose, for a terminal: what a terminal would obey is shown and not done."""

import unicodedata

# Controls (ANSI's escape among them), formats (which turn the direction of reading, or are not seen at all), halves of
# pairs, what is private or unassigned, and what ends a line. Of spaces, only the one that everybody knows.
_OBEYED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MAX_CHARACTERS = 500


def printable(text: str, max_characters: int = _MAX_CHARACTERS) -> str:
    r"""Write a text so that it is one line, takes no more room than it should, and does nothing to a terminal.

    A backslash is doubled, and what can't be shown as it is becomes `\xNN`, `\uNNNN` or `\UNNNNNNNN`: two texts that
    differ look different, but for what is cut off at the end, which three dots stand for.
    """
    shown = "".join(map(_shown, text[:max_characters]))
    return shown if len(text) <= max_characters else f"{shown}..."


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if character == "\\" or category in _OBEYED or (category == "Zs" and character != " "):
        return _escaped(character)
    # Marks that stand on the letter before: any number of them climbs into the lines above.
    return _escaped(character) if category in {"Mn", "Me"} else character


def _escaped(character: str) -> str:
    if character == "\\":
        return r"\\"
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
