"""The errors of the local stack; each message is one line that says what to do."""

from pathlib import Path


class LocalStackError(Exception):
    """The local stack cannot do what was asked; the message is one line for the person at the terminal."""

    exit_code = 1


class PortTaken(LocalStackError):
    """Another program listens on a port that the stack needs."""

    exit_code = 2

    def __init__(self, port: int, purpose: str, variable: str) -> None:
        """`variable` is the environment variable that moves the port."""
        super().__init__(
            f"Port {port}, needed for {purpose}, is taken by another program. "
            f"Stop that program or choose another port: {variable}={port + 1000} make up"
        )


class PartFailed(LocalStackError):
    """A part of the stack did not start, or died."""

    def __init__(self, part: str, what: str, log: Path, last_words: str = "") -> None:
        """`log` is the part's log file; `last_words` are its lines that explain the failure, if they are known."""
        super().__init__(f"{part} {what}. Its log is {log}" + (f"\n{last_words}" if last_words else ""))


class NotRunning(LocalStackError):
    """The stack does not run."""

    def __init__(self) -> None:
        super().__init__("The local stack does not run. Start it with: make up")
