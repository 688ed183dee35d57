"""``opsconsole state prepare|grant|migrate``: the state of several hosts, in a PostgreSQL.

Invariant: exit 0 only where all was done; nothing is done by halves.
"""

import argparse

from opsconsole.cli.configuration import from_arguments
from opsconsole.errors import StateError
from opsconsole.operations.state_folder import state_folder
from opsconsole.operations.state_place import place_from


def run(arguments: argparse.Namespace) -> int:
    """Carry out what is asked for, as the role that the configuration leads to."""
    settings = from_arguments(arguments).settings
    conninfo = settings.state.postgresql
    if conninfo is None:
        raise StateError("the configuration names no PostgreSQL", remedy="set state.postgresql")
    if (arguments.what == "grant") is not bool(arguments.role):
        arguments.parser.error("name a ROLE for grant, and for nothing else")
    if settings.read_only:
        raise StateError("the configuration is read-only", remedy="use one that may change things")
    place_from(settings)  # says so where the client is not installed
    from opsconsole.operations.journal.sqlite_database import SqliteDatabase
    from opsconsole.operations.migration import bring_in
    from opsconsole.operations.postgresql import schema
    from opsconsole.operations.postgresql.database import PostgresqlDatabase
    from opsconsole.operations.postgresql.link import connect

    with connect(conninfo) as link:
        schema.prepare(link)
        if arguments.what == "grant":
            schema.grant(link, arguments.role, acting=arguments.act)
            print(f"{arguments.role} may {'act' if arguments.act else 'look'}")
            return 0
    if arguments.what == "prepare":
        print(f"the tables are there, schema {schema.VERSION}")
        return 0
    folder = state_folder(settings)
    if not (folder / "journal.db").exists():
        raise StateError(f"there is no journal in {folder}", remedy="there is nothing to bring in")
    source, target = SqliteDatabase(folder), PostgresqlDatabase(conninfo)
    try:
        copied = bring_in(source, target)
    finally:
        source.close()
        target.close()
    print("brought in: " + ", ".join(f"{count} {table}" for table, count in copied.items()))
    return 0
