"""The values of a statement, in the order of its placeholders."""


class Values:
    """Collects values and returns a placeholder for each."""

    __slots__ = ("_keys", "all")

    def __init__(self) -> None:
        """Start without values."""
        self.all: list[str | None] = []
        self._keys: dict[str, str] = {}

    def bind(self, value: str | None) -> str:
        """Add a value and return its placeholder."""
        self.all.append(value)
        return f"${len(self.all)}"

    def bind_key(self, key: str) -> str:
        """Add a key of a JSON path. The same key shares a placeholder, so that equal paths are equal expressions."""
        if key not in self._keys:
            self._keys[key] = self.bind(key)
        return self._keys[key]
