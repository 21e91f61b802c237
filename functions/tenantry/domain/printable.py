"""Makes untrusted text safe for a terminal: characters that a terminal would act on are shown as escapes."""

import unicodedata

# Unicode categories to escape: controls (such as ANSI's escape character), formats (which change the reading direction
# or are invisible), surrogates, private and unassigned characters, and line and paragraph separators. Of the spaces,
# only U+0020 is printed as it is.
_OBEYED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MAX_CHARACTERS = 500


def printable(text: str, max_characters: int = _MAX_CHARACTERS) -> str:
    r"""Write a text as one line of limited length that has no effect on a terminal.

    A backslash is doubled, and an unsafe character becomes `\xNN`, `\uNNNN` or `\UNNNNNNNN`, so different texts look
    different. Text after the first `max_characters` characters is replaced by three dots.
    """
    shown = "".join(map(_shown, text[:max_characters]))
    return shown if len(text) <= max_characters else f"{shown}..."


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if character == "\\" or category in _OBEYED or (category == "Zs" and character != " "):
        return _escaped(character)
    # Combining marks are escaped: many of them on one letter would cover the lines above.
    return _escaped(character) if category in {"Mn", "Me"} else character


def _escaped(character: str) -> str:
    if character == "\\":
        return r"\\"
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
