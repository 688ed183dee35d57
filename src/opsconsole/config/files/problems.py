"""One thing that is wrong with a configuration, and where.

Invariant: ``str(problem)`` is one line that is safe for a terminal, ``file:line: where: message``,
as compilers write it, so that editors and people find the position. It holds no value that may be
a secret. All problems of all files are reported at once.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.text import sanitize

KeyPath = tuple[str | int, ...]
"""The keys and indexes that lead to a value."""


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a file; line and column count from 1, and 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """``where`` is a dotted path, or ''; ``suggestion`` is a question or a remedy, or ''."""

    file: str
    line: int
    column: int
    where: str
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        position = str(Position(self.file, self.line, self.column))
        parts = [part for part in (position, self.where, self.message) if part]
        text = ": ".join(parts)
        return sanitize(f"{text}, {self.suggestion}" if self.suggestion else text)

    @classmethod
    def at(cls, position: Position, path: KeyPath, message: str, suggestion: str = "") -> "Problem":
        """A problem at ``position`` with the value that ``path`` leads to."""
        return cls(position.file, position.line, position.column, dotted(path), message, suggestion)


def dotted(path: KeyPath) -> str:
    """``services.api.instances[0].url``."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return text.removeprefix(".")


OTHER_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("down", "fail", "failed", "failure", "unhealthy", "errors", "fall", "retries",
         "failure_threshold", "failurethreshold", "max_failures", "attempts"), ("failures",)),
    **dict.fromkeys(
        ("up", "ok", "healthy", "success", "rise", "recover", "success_threshold",
         "successthreshold"), ("successes",)),
    **dict.fromkeys(("address", "addresses", "host", "hosts", "target", "targets", "server",
                     "servers", "endpoint", "urls", "replicas"), ("instances", "url", "ssh")),
    **dict.fromkeys(("user", "username", "login", "port", "hostname", "ansible_host",
                     "ansible_user", "ansible_port", "destination"), ("ssh", "url")),
    **dict.fromkeys(("ns",), ("namespace", "namespaces")),
    **dict.fromkeys(("kube_context", "kubecontext"), ("context",)),
    **dict.fromkeys(("deployment", "statefulset", "daemonset"), ("workload", "kubernetes")),
    **dict.fromkeys(("become",), ("sudo",)),
    **dict.fromkeys(("identityfile", "identity_file"), ("ssh_config",)),
    **dict.fromkeys(("uri", "href", "link", "base_url", "endpoint_url"), ("url",)),
    **dict.fromkeys(("every", "period", "frequency", "scrape_interval", "poll", "refresh",
                     "check_interval", "periodseconds"), ("interval",)),
    **dict.fromkeys(("timeout_seconds", "wait", "max_time", "scrape_timeout"), ("timeout",)),
    **dict.fromkeys(("expr", "condition", "expression", "query", "if"), ("when", "promql")),
    **dict.fromkeys(("alert", "title", "id", "alertname", "label"), ("name",)),
    **dict.fromkeys(("duration", "hold", "pending"), ("for",)),
    **dict.fromkeys(("level", "priority"), ("severity", "danger")),
    **dict.fromkeys(("cmd", "exec", "run", "script", "program", "argv"), ("command",)),
    **dict.fromkeys(("depends", "requires", "needs", "dependencies", "dependson", "links",
                     "upstream"), ("depends_on",)),
    **dict.fromkeys(("ca", "cacert", "ca_cert", "ca_path", "cafile"), ("ca_file",)),
    **dict.fromkeys(("log", "logfile", "log_file", "log_files", "logging"), ("logs", "file")),
    **dict.fromkeys(("slo", "slos", "sla", "goals"), ("objectives",)),
    **dict.fromkeys(("rules", "alert_rules", "alerting"), ("alerts", "rule_files")),
    **dict.fromkeys(("tz", "timezone", "zone", "time_zone"), ("time",)),
    **dict.fromkeys(("readonly", "read-only", "dry_run"), ("read_only",)),
    **dict.fromkeys(("env", "stage"), ("environment",)),
    **dict.fromkeys(("color", "colour", "colors", "style", "skin"), ("theme",)),
    **dict.fromkeys(("container_name", "container_id", "docker_container"),
                    ("container", "containers")),
    **dict.fromkeys(("systemd", "service_unit", "unit_name"), ("unit", "systemd")),
    **dict.fromkeys(("healthcheck", "health_check", "livenessprobe", "readinessprobe", "probe",
                     "check", "checks"), ("health",)),
    **dict.fromkeys(("data_dir", "datadir", "storage", "state_folder"), ("state_dir",)),
    **dict.fromkeys(("database", "postgres", "dsn", "conninfo"), ("postgresql", "state")),
    **dict.fromkeys(("bindings", "keybindings", "shortcuts", "keymap"), ("keys",)),
}  # fmt: skip
"""What other programs, or people, call a key."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean 'interval'?`` for the nearest of ``known``; '' when none is near.

    Near is what is spelt alike, or what other programs call the same thing.
    """
    names = list(known)
    nearest = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if not nearest or word.lower() in OTHER_WORDS:
        same = [name for name in OTHER_WORDS.get(word.lower(), ()) if name in names]
        nearest = same[:1] or nearest
    return f"did you mean {nearest[0]!r}?" if nearest else ""


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems by file and line, each once."""
    return tuple(
        sorted(
            dict.fromkeys(problems),
            key=lambda problem: (problem.file, problem.line, problem.column, problem.where),
        )
    )
