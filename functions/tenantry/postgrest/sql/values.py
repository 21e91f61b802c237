"""The values of a statement, in the order of its placeholders."""

from tenantry.postgrest.catalogue.model import Name


class Values:
    """Collects values and returns a placeholder for each."""

    __slots__ = ("_keys", "all", "defaults", "domains", "foreign_casts", "returned", "routines", "vectors", "watched")

    def __init__(self) -> None:
        """Start without values."""
        self.all: list[str | None] = []
        self._keys: dict[str, str] = {}
        # Columns whose types decide how a value is read.
        self.watched: dict[tuple[str, str, str], None] = {}
        # Columns that are searched as they are, because they are of the type tsvector.
        self.vectors: dict[tuple[str, str, str], None] = {}
        # Columns whose values are shown or read by the functions of a domain, and its name as SQL.
        self.domains: dict[tuple[str, str, str], str] = {}
        # For each table the columns whose defaults are in the statement, and their versions.
        self.defaults: dict[Name, dict[str, str]] = {}
        # Functions and aggregates that the statement is written for, by their oids.
        self.routines: dict[int, Name] = {}
        # What functions return rows of, by its oids.
        self.returned: dict[int, None] = {}
        # Types of casts that are not PostgreSQL's own, as SQL.
        self.foreign_casts: dict[str, None] = {}

    def bind(self, value: str | None) -> str:
        """Add a value and return its placeholder."""
        self.all.append(value)
        return f"${len(self.all)}"

    def watch(self, table: Name | None, column: str) -> None:
        """Note that a value is read as what a column holds; None: of no table that has a type."""
        if table is not None:
            self.watched[table.schema, table.name, column] = None

    def watch_vector(self, table: Name | None, column: str) -> None:
        """Note that a column is a tsvector by the catalogue: a text would be searched in another way."""
        if table is not None:
            self.vectors[table.schema, table.name, column] = None

    def note_domain(self, table: Name, column: str, domain: str) -> None:
        """Note of which domain or type a column is by the catalogue: another's values are read otherwise."""
        self.domains[table.schema, table.name, column] = domain

    def watch_default(self, table: Name, column: str, version: str) -> None:
        """Note which default of a column the statement has, or that it has none."""
        self.defaults.setdefault(table, {})[column] = version

    def note_routine(self, oid: int, name: Name) -> None:
        """Note which function is meant: another of that name may take and return other types. 0 is not known."""
        if oid:
            self.routines[oid] = name

    def note_returned(self, oid: int) -> None:
        """Note what a function returns rows of: their columns are known from when the statement was prepared."""
        if oid:
            self.returned[oid] = None

    def bind_key(self, key: str) -> str:
        """Add a key of a JSON path. The same key shares a placeholder, so that equal paths are equal expressions."""
        if key not in self._keys:
            self._keys[key] = self.bind(key)
        return self._keys[key]
