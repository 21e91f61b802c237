"""Runs a program that refuses root: as an ordinary user if the caller is root, unchanged otherwise.

Usage: python as_ordinary_user.py DIRECTORY PROGRAM [ARGUMENT...]

For root, the program gets its own user namespace, in which it is an ordinary user; outside it, root owns its files. If
the system refuses namespaces, the program runs as the user `nobody`, to whom DIRECTORY is given. The script replaces
itself with the program and needs only the standard library.
"""

import os
import pwd
import sys
from pathlib import Path

ORDINARY_USER = "nobody"
CANNOT_RUN = 77


def main(directory: Path, command: list[str]) -> None:
    """Become an ordinary user and exec the program."""
    if os.geteuid() == 0:
        _become_ordinary(directory)
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK) or not os.access(command[0], os.X_OK):
        print(
            f"The user {ORDINARY_USER!r} cannot use {directory} or {command[0]}: PostgreSQL refuses root. "
            "Work as an ordinary user, or in a directory that every user can enter.",
            file=sys.stderr,
        )
        sys.exit(CANNOT_RUN)
    os.execv(command[0], command)  # noqa: S606  # there is nothing for a shell to do


def _become_ordinary(directory: Path) -> None:
    user = pwd.getpwnam(ORDINARY_USER)
    if directory.stat().st_uid != 0:  # an earlier run was refused namespaces; this one is not
        _give(directory, 0, 0)
    try:
        os.unshare(os.CLONE_NEWUSER)
    except OSError:
        _give(directory, user.pw_uid, user.pw_gid)
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        return
    # The kernel requires that setgroups is denied before an unprivileged process maps ids.
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user.pw_uid} 0 1")
    Path("/proc/self/gid_map").write_text(f"{user.pw_gid} 0 1")


def _give(directory: Path, uid: int, gid: int) -> None:
    for path in (directory, *directory.rglob("*")):
        os.chown(path, uid, gid, follow_symlinks=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
