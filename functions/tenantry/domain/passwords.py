"""Passwords of logins that nobody types."""

import secrets

_BYTES = 32


def new_password() -> str:
    """Make a password of 256 random bits, in characters that need no escape in a URL, a pass file or JSON."""
    return secrets.token_urlsafe(_BYTES)
