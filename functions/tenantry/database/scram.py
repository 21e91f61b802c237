"""Verifiers of passwords for SCRAM-SHA-256, as PostgreSQL stores them."""

import hashlib
import hmac
import secrets
from base64 import b64encode

_SALT_BYTES = 16


def quick_verifier(password: str) -> str:
    """Make the verifier of a random password, with a single iteration.

    Iterations slow down who guesses, which is of no use to a password of 256 random bits, and would cost its user some
    milliseconds for each session. Every version of PostgreSQL takes any number of them.

    :param password: in ASCII, which needs no preparation (RFC 4013).
    :returns: what `PASSWORD` takes in place of the password.
    """
    salt = secrets.token_bytes(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, 1)
    stored = hashlib.sha256(_mac(salted, b"Client Key")).digest()
    encoded = [b64encode(part).decode() for part in (salt, stored, _mac(salted, b"Server Key"))]
    return "SCRAM-SHA-256$1:{}${}:{}".format(*encoded)


def _mac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")
