"""Directories and files of the stack that hold passwords, keys and rows: nobody else on the machine reads them."""

import os
from pathlib import Path
from stat import S_IMODE

# What the stack starts makes its files like this too.
UMASK = 0o077
# For the stack's own directory: where PostgreSQL has to run as another user, that one goes through, and sees no names.
ENTERED = 0o711


def private_directory(path: Path, mode: int = 0o700) -> None:
    """Make a directory that only its owner may use; one that is there gives others no more than `mode` does."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(S_IMODE(path.stat().st_mode) & mode)


def private_file(path: str | os.PathLike[str], flags: int) -> int:
    """Open a file that only its owner may use, as the `opener` of `open`; one that is there becomes so."""
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor
