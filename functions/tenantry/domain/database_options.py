"""How a database was created: what only `CREATE DATABASE` can say, and nobody can change afterwards."""

from dataclasses import dataclass

from tenantry.domain.backup_facts import DatabaseFacts

LIBC, ICU, BUILTIN = "libc", "icu", "builtin"


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """The encoding, the locale that sorts and compares, and the tablespace.

    `provider` is libc, icu or builtin; empty: whatever the server gives a database for which nobody says more.
    `collation` and `character_type` are names of the operating system's locales, `locale` is the provider's own name,
    `icu_rules` are those that a locale of ICU was changed by. An empty `tablespace` is the server's default.
    """

    encoding: str = "UTF8"
    provider: str = ""
    collation: str = ""
    character_type: str = ""
    locale: str = ""
    icu_rules: str = ""
    tablespace: str = ""


def options_of(facts: DatabaseFacts) -> DatabaseOptions:
    """Read them from a backup's manifest. One of format 1 does not tell the locale, so nothing is told then."""
    if not (facts.locale_provider and facts.collation and facts.character_type):
        return DatabaseOptions()
    return DatabaseOptions(
        facts.encoding,
        facts.locale_provider,
        facts.collation,
        facts.character_type,
        facts.locale or "",
        facts.icu_rules or "",
        facts.tablespace or "",
    )
