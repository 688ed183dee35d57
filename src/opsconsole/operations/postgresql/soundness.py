"""Whether a PostgreSQL keeps a state as it should: what can be seen of it from one host.

Invariant: nothing is changed and nothing made; every remark has a code, and the words are made
where it is shown.
"""

import time
from typing import Final

import psycopg

from opsconsole.errors import StateError
from opsconsole.operations.postgresql import schema
from opsconsole.operations.postgresql.link import SCHEMA, Link, connect, unusable
from opsconsole.operations.postgresql.remarks import Found, Remark

SKEW: Final = 2.0
"""Seconds that the clocks of server and host may differ: both decide how long a lock is certain."""


def look(conninfo: str) -> tuple[Found, ...]:
    """Every remark on the server where ``conninfo`` leads. Raises nothing that it says."""
    found: list[Found] = []
    try:
        link = connect(conninfo)
    except StateError as error:
        try:
            link = connect(conninfo, writing=False)
        except StateError:
            return (Found(Remark.UNREACHABLE, error.what),)
        found.append(Found(Remark.NO_PRIMARY))
    try:
        found += _of_the_server(link)
        found += _of_the_tables(link)
    except psycopg.Error as error:
        found.append(Found(Remark.UNREACHABLE, unusable(error).what))
    finally:
        link.close()
    return tuple(found)


def _of_the_server(link: Link) -> list[Found]:
    found: list[Found] = []
    before = time.time()
    ((theirs, encoding, synchronous),) = link.execute(
        "SELECT extract(epoch FROM clock_timestamp())::float8,"
        " current_setting('server_encoding'), current_setting('fsync')"
    ).fetchall()
    after = time.time()
    skew = max(before - theirs, theirs - after, 0.0)
    if skew > SKEW:
        found.append(Found(Remark.CLOCKS, f"{skew:.1f}"))
    if encoding != "UTF8":
        found.append(Found(Remark.NOT_UTF8, encoding))
    if synchronous != "on":
        found.append(Found(Remark.FORGETS, "fsync"))
    if _is_pooled(link):
        found.append(Found(Remark.POOLED))
    # Not where statements are pooled, of which each may go elsewhere.
    with link.transaction():
        link.execute("SELECT 1")
    return found


def _is_pooled(link: Link) -> bool:
    """Whether somebody between gives the session another number than it has."""
    ((backend,),) = link.execute("SELECT pg_backend_pid()").fetchall()
    return bool(backend != link.info.backend_pid)


def _of_the_tables(link: Link) -> list[Found]:
    try:
        version = schema.version_of(link)
    except psycopg.errors.InsufficientPrivilege:
        return [Found(Remark.NO_RIGHT_TO_LOOK, "versions")]
    if version is None:
        return [Found(Remark.NO_TABLES)]
    try:
        schema.check(version)
    except StateError as error:
        return [Found(Remark.WRONG_TABLES, error.what)]
    lacks = [each for each in schema.ACTING if not _may(link, each, "SELECT")]
    if lacks:
        return [Found(Remark.NO_RIGHT_TO_LOOK, ", ".join(lacks))]
    found: list[Found] = []
    lacks = [each for each in schema.ACTING if each != "versions" and not _may_act(link, each)]
    if lacks:
        found.append(Found(Remark.NO_RIGHT_TO_ACT, ", ".join(lacks)))
    if any(_may(link, "audit", each) for each in ("UPDATE", "DELETE", "TRUNCATE")):
        found.append(Found(Remark.CAN_EDIT_THE_AUDIT))
    return found


def _may_act(link: Link, table: str) -> bool:
    """Whether a role may insert where a console inserts, or else change a column."""
    if "INSERT" in schema.ACTING[table]:
        return _may(link, table, "INSERT")
    query = "SELECT has_any_column_privilege(%s, 'UPDATE')"
    ((may,),) = link.execute(query, (f"{SCHEMA}.{table}",)).fetchall()
    return bool(may)


def _may(link: Link, table: str, right: str) -> bool:
    query = "SELECT has_table_privilege(%s, %s)"
    ((may,),) = link.execute(query, (f"{SCHEMA}.{table}", right)).fetchall()
    return bool(may)
