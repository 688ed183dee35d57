"""The kinds of logs, each with the source that follows it.

Invariant: every kind that a configuration can name has a source here, which mypy compares with
the protocol; a kind that is not followed imports nothing.
"""

from typing import assert_never

from opsconsole.config.service_log import LogKind
from opsconsole.sources.logs.base import LogContext, LogSink, LogSource


def make(kind: LogKind, what: str, context: LogContext, sink: LogSink) -> LogSource:
    """A source of ``kind`` that follows ``what`` and reports to ``sink``; not started yet."""
    match kind:
        case "file":
            from opsconsole.sources.logs.file import FileFollower

            return FileFollower(what, context, sink)
        case "docker" | "swarm":
            from opsconsole.sources.logs.docker import DockerFollower

            engines = context.settings.docker
            if context.engine is not None:
                engines = tuple(each for each in engines if each.name == context.engine)
            return DockerFollower(what, engines, sink, swarm=kind == "swarm")
        case "kubernetes":
            from opsconsole.sources.logs.kubernetes import KubernetesFollower

            return KubernetesFollower(what, context, sink)
        case "journal":
            from opsconsole.sources.logs.journal import JournalFollower

            return JournalFollower(what, context, sink)
        case "loki":
            from opsconsole.sources.logs.loki import LokiFollower

            return LokiFollower(what, context, sink)
        case _:
            assert_never(kind)
