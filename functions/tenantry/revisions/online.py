"""Runs a revision through Alembic: one that asks the database something, and so has no SQL of its own."""

from typing import Any

import psycopg2

from tenantry.database.sql_errors import translate
from tenantry.domain.errors import InvalidSetting, TenantryError
from tenantry.domain.revision import BASE, Direction, Step
from tenantry.revisions.history import alembic_config


def run_online(connection: Any, schema: str, step: Step) -> None:
    """Take a step in the caller's transaction, and note it.

    :param connection: psycopg2's, in a transaction, as the role that owns the schema.
    :raises TenantryError: the database refused a statement; the revision has failed by itself (`revision_failed`).
    """
    from alembic import command  # noqa: PLC0415
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415
    from sqlalchemy.pool import StaticPool  # noqa: PLC0415

    engine = create_engine(
        "postgresql+psycopg2://", creator=lambda: connection, poolclass=StaticPool, use_native_hstore=False
    )
    # The transaction is the caller's.
    dialect: Any = engine.dialect
    dialect.do_commit = dialect.do_rollback = _leave
    try:
        with engine.connect() as opened:
            config = alembic_config(connection=opened, schema=schema)
            if step.direction is Direction.UPGRADE:
                command.upgrade(config, step.reached)
            else:
                command.downgrade(config, step.reached or BASE)
    except DBAPIError as exc:
        # What psycopg2 raised; SQLAlchemy's text would repeat the statement with its values.
        if isinstance(exc.orig, psycopg2.Error):
            raise translate(exc.orig) from exc
        raise _failed(step, exc) from exc
    except (TenantryError, psycopg2.Error):
        raise
    except Exception as exc:
        raise _failed(step, exc) from exc


def _failed(step: Step, exc: Exception) -> InvalidSetting:
    return InvalidSetting(
        f"Revision {step.revision.revision_id} has failed by itself ({type(exc).__name__}).",
        code="revision_failed",
        hint="Nothing of it was kept. Mend its file, and deploy it.",
    )


def _leave(_connection: Any) -> None:
    """Neither commit nor roll back."""
