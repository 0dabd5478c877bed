"""The version of the tables: bring a database to the newest, or say that it is not."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import text
from sqlalchemy.orm import Session

from monitor.adapters.store.database import UPGRADE_REMEDY, Database
from monitor.errors import ConfigError
from monitor.shipped import shipped_folder


def migrations_folder() -> Path:
    """Where the migrations lie, in a checkout and in an installed wheel alike.

    Raises:
        ConfigError: the installation is incomplete.
    """
    folder = shipped_folder("migrations")
    if not (folder / "env.py").is_file():
        raise ConfigError("the migrations are missing", item=str(folder), remedy="Install scarpwatch again")
    return folder


def upgrade(database: Database) -> str | None:
    """Create the database if need be and bring it to the newest version. Several processes may do so at once.

    Returns the version that it had; None: there were no tables.

    Raises:
        ConfigError: it was made by a newer Scarpwatch, or its folder cannot be made.
        StoreBusy: the database is locked or gone.
    """
    if database.file is not None:
        make_folder(database.file.parent)
    return _migrate(database, "head", command.upgrade)


def downgrade(database: Database, revision: str) -> None:
    """Go back to an older version of the tables; `base` removes them all."""
    _migrate(database, revision, command.downgrade)


def check(database: Database) -> None:
    """Raise ConfigError unless the tables have the version this Scarpwatch works with."""
    found, expected = _current(database), newest()
    if found == expected:
        return
    if found is not None:
        refuse_newer(database.name, found)
    message = f"its tables have version {found or 'none'}, this Scarpwatch needs {expected}"
    raise ConfigError(message, item=database.name, remedy=UPGRADE_REMEDY)


def known_revision(database: Database) -> str:
    """The version of the tables, which may be older than that of this Scarpwatch.

    Raises:
        ConfigError: there are none, or they are of a newer version.
    """
    found = _current(database)
    if found is None:
        raise ConfigError("there are no tables", item=database.name, remedy=UPGRADE_REMEDY)
    refuse_newer(database.name, found)
    return found


def refuse_newer(item: str, revision: str) -> None:
    """Raise ConfigError for a version of the tables that this Scarpwatch does not know."""
    if revision not in {script.revision for script in _scripts().walk_revisions()}:
        raise _made_by_newer(item, revision)


def _current(database: Database) -> str | None:
    if database.file is not None and not os.path.exists(database.file):  # to look would make it
        raise _absent(database.name, database.file.parent)
    with database.read() as session:
        if not database.is_sqlite and session.scalar(text("SELECT current_schema()")) is None:
            message = "this role may not use the schema in which the tables lie"
            raise ConfigError(message, item=database.name, remedy="Grant it: docs/operate.md, PostgreSQL")
        return _version(session)


def _version(session: Session) -> str | None:
    # Alembic asks of a table that it makes anew each time: in the engine's cache of statements, which knows them by
    # their tables, one would follow the other and drive out those that are asked again.
    connection = session.connection().execution_options(compiled_cache=None)
    return MigrationContext.configure(connection).get_current_revision()


def _absent(name: str, folder: Path) -> ConfigError:
    """That there is no database in a folder; a folder that is not there either may be a slip in the path."""
    there = next(one for one in (folder, *folder.parents) if os.path.exists(one))  # Path.exists may raise
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = f"{there} may not be written" if there.is_dir() else f"{there} is not a folder"
        remedy = "Give a path whose folder may be written"
        return ConfigError(f"no database is to be seen, and none can be made there: {why}", item=name, remedy=remedy)
    if there == folder:
        message, makes = "there is no database yet", "makes it"
    else:
        message, makes = f"there is no database yet, nor its folder {folder}", "makes both, if that is what was meant"
    remedy = f"The first scarpwatch once or run {makes}; for an empty one: scarpwatch db upgrade"
    return ConfigError(message, item=name, remedy=remedy)


@cache
def newest() -> str | None:
    """Read once: services ask before all they do."""
    return _scripts().get_current_head()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _migrate(database: Database, revision: str, direction: Callable[[Config, str], None]) -> str | None:
    config = _config()
    # One writing transaction around all of it: a second process waits, then finds the work done.
    with database.write() as session:
        if not database.is_sqlite:  # an index of millions of rows takes its time
            session.execute(text("SET LOCAL statement_timeout = 0"))
            session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        before = _version(session)
        config.attributes["connection"] = session.connection()
        try:
            direction(config, revision)
        except CommandError as err:
            raise _made_by_newer(database.name, str(err)) from err
        return before


def _made_by_newer(item: str, found: str) -> ConfigError:
    message = f"its tables are of a version unknown here ({found})"
    return ConfigError(message, item=item, remedy="Install the Scarpwatch that made it, or a newer one")


def _config() -> Config:
    config = Config()
    # The option is a ConfigParser value, where % starts an interpolation.
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config


def make_folder(folder: Path) -> None:
    """Make the folder of a database.

    Raises:
        ConfigError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        remedy = "Give a path whose folder may be written"
        raise ConfigError(f"its folder cannot be made ({err.strerror})", item=str(folder), remedy=remedy) from err
