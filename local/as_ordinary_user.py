"""Run a program that refuses root, when we are root; run it as it is otherwise.

Usage: python as_ordinary_user.py DIRECTORY PROGRAM [ARGUMENT...]

As root, the program gets a user namespace of its own, in which it is an ordinary user; outside, its files stay
root's. Where the system refuses namespaces, it runs as the user `nobody`, who then gets DIRECTORY. The script
replaces itself with the program and needs nothing but the standard library.
"""

import os
import pwd
import sys
from pathlib import Path

ORDINARY_USER = "nobody"
CANNOT_RUN = 77


def main(directory: Path, command: list[str]) -> None:
    """Become ordinary and turn into the program."""
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
    if directory.stat().st_uid != 0:  # namespaces were refused the last time, and are not any more
        _give(directory, 0, 0)
    try:
        os.unshare(os.CLONE_NEWUSER)
    except OSError:
        _give(directory, user.pw_uid, user.pw_gid)
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        return
    # The kernel wants setgroups denied before an id can be mapped without privileges outside.
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user.pw_uid} 0 1")
    Path("/proc/self/gid_map").write_text(f"{user.pw_gid} 0 1")


def _give(directory: Path, uid: int, gid: int) -> None:
    for path in (directory, *directory.rglob("*")):
        os.chown(path, uid, gid, follow_symlinks=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
