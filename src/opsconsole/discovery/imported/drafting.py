"""What the files that are imported together have said so far, service by service.

Invariant: what was said first stays; labels, metrics and actions of several files are put together.
Every text of a file that reaches a value is one that the configuration takes as it stands: what
would be filled in from a variable, of theirs or of ours, is not understood.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any, Final

from opsconsole.config.files.problems import KeyPath, dotted
from opsconsole.config.files.yaml_tree import Tree
from opsconsole.dataclass import dataclass
from opsconsole.discovery.finding import fit
from opsconsole.discovery.imported.servers import Servers
from opsconsole.model.written.draft import Draft, Entry

_ORDER: Final = (
    "group", "team", "containers", "job", "labels", "prometheus", "depends_on", "instances",
    "health", "interval", "timeout", "thresholds", "metrics", "objectives", "actions",
)  # fmt: skip
_BLOCKS: Final = frozenset({"metrics", "objectives", "actions"})
_VARIABLE: Final = re.compile(r"\$\$|\$\{([A-Za-z_]\w*)(?:(:?[-?])([^}]*))?\}|\$([A-Za-z_]\w*)")
_TARGET: Final = re.compile(
    r"(?P<scheme>https?://)?(?:[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?(scheme)(?:/[\w.~/-]*)?)",
    re.ASCII,
)
HERE: Final = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "[::1]"})  # noqa: S104 - compared


@dataclass(frozen=True, slots=True)
class File:
    """A file that was read; ``name`` is what it is called in reasons."""

    name: str
    tree: Tree

    @property
    def root(self) -> Mapping[str, Any]:
        """Its mapping, empty where it holds none."""
        return mapping(self.tree.value)

    def at(self, *path: str | int) -> str:
        """``compose.yaml:12: services.web.build``."""
        where = self.tree.position(path)
        return f"{where}: {dotted(path)}"


@dataclass(slots=True)
class Service:
    """What is known of one service. ``stands`` is False for what may not run."""

    evidence: str
    stands: bool = True
    entries: dict[str, Entry] = field(default_factory=dict)
    blocks: dict[str, dict[str, Entry]] = field(default_factory=dict)

    def put(self, key: str, value: object, why: str, *, stands: bool = True) -> None:
        """Say ``key``, unless it was said; labels are added to those that were."""
        known = self.entries.get(key)
        if known is None or (stands and not known.stands):
            self.entries[key] = Entry(key, value, why, stands)
        elif isinstance(value, dict) and isinstance(known.value, dict):
            self.entries[key] = Entry(key, {**value, **known.value}, known.why, known.stands)

    def add(self, block: str, key: str, value: object, why: str, *, stands: bool = True) -> None:
        """Say one thing of a ``block``: a metric by its name, an objective by its text."""
        item = "" if block == "objectives" else key
        self.blocks.setdefault(block, {}).setdefault(key, Entry(item, value, why, stands))

    @property
    def is_composed(self) -> bool:
        """Whether a Compose file has it."""
        return "containers" in self.entries

    @property
    def jobs(self) -> tuple[str, ...]:
        """The job that its targets are of."""
        job = self.entries.get("job")
        return (str(job.value),) if job is not None else ()


class Drafting:
    """Takes what each file says, and makes a draft of it."""

    def __init__(self) -> None:
        self.services: dict[str, Service] = {}
        self._settings: dict[str, Entry] = {}
        self._servers: dict[str, Servers] = {}
        self._found: list[tuple[str, str]] = []
        self._open: dict[str, None] = {}
        self._not: dict[str, None] = {}

    def service(self, name: str, evidence: str) -> Service:
        """The service called ``name``, which may be a new one."""
        return self.services.setdefault(name, Service(evidence))

    def setting(self, entry: Entry) -> None:
        """Say a key of the whole configuration; what was said first stays."""
        self._settings.setdefault(entry.key, entry)

    def server(
        self, kind: str, url: str, why: str, *, called: str = "", stands: bool = True
    ) -> None:
        """A file says that one answers at ``url``; ``called`` is its name in a Compose file."""
        servers = self._servers.setdefault(kind, Servers(kind))
        known = servers.at.get(url)
        if known is None or (stands and not known.stands):
            servers.at[url] = Entry(kind, (Entry("url", url, why),), why, stands)
        if called:
            servers.called[called] = url

    def guess_server(self, kind: str, url: str, why: str, *more: Entry) -> None:
        """One of which no file says where it answers, with what is said beside it."""
        servers = self._servers.setdefault(kind, Servers(kind))
        guess = Entry("url", url, "a guess: its usual port")
        servers.guess = servers.guess or Entry(kind, (guess,), why, stands=False)
        for each in more:
            servers.beside.setdefault(each.key, each)

    def published(self, kind: str, host: str) -> str:
        """Where the service that a Compose file calls ``host`` answers, if it is a ``kind``."""
        servers = self._servers.get(kind)
        return servers.called.get(host, "") if servers is not None else ""

    def note(self, name: str, evidence: str) -> None:
        """Something was found that is no service."""
        self._found.append((name, evidence))

    def leave_open(self, said: str) -> None:
        """A person has to say."""
        self._open[said] = None

    def merge(self, name: str, what: str) -> Service:
        """The service called ``name``, which is there already, and of which ``what`` says more."""
        service = self.services[name]
        self.note(name, f"{what} is merged into {service.evidence}")
        return service

    def not_understood(self, said: str) -> None:
        """Nothing is written of it."""
        self._not[said] = None

    def unknown(self, file: File, path: KeyPath, known: Iterable[str]) -> None:
        """Every key of the mapping at ``path`` that is not ``known``, and is no extension."""
        value: Any = file.tree.value
        for key in path:
            value = value[key]
        names = frozenset(known)
        for key in mapping(value):
            if key not in names and not key.startswith("x-"):
                self.not_understood(file.at(*path, key))

    def draft(self) -> Draft:
        """All of it, and no reference to a service that does not stand."""
        needs = self._needs()
        services = tuple(
            Entry(name, self._entries(each, needs.get(name, [])), each.evidence, each.stands)
            for name, each in self.services.items()
        )
        found = [(each.key, each.why) for each in services]
        open_ = [f"{each.key} may not run: {each.why}" for each in services if not each.stands]
        open_ += [said for each in self._servers.values() for said in each.left_open()]
        settings = (*(each.entry() for each in self._servers.values()), *self._settings.values())
        return Draft(
            settings,
            services,
            (*found, *self._found),
            (*open_, *self._open),
            tuple(self._not),
        )

    def _needs(self) -> dict[str, list[str]]:
        """What each service needs, of those that stand, and in no circle."""
        kept: dict[str, list[str]] = {}
        for name, service in self.services.items():
            entry = service.entries.get("depends_on")
            for need in items(entry.value if entry is not None else None):
                if not self.services[need].stands or need in kept.get(name, []):
                    continue
                if name in _all_of(kept, need):
                    self.not_understood(f"{name} and {need} need each other: depends_on")
                    continue
                kept.setdefault(name, []).append(need)
        return kept

    @staticmethod
    def _entries(service: Service, needs: list[str]) -> tuple[Entry, ...]:
        out: list[Entry] = []
        for key in _ORDER:
            if key in _BLOCKS:
                block = tuple(service.blocks.get(key, {}).values())
                if block:
                    out.append(Entry(key, block, _HEADINGS[key]))
                continue
            entry = service.entries.get(key)
            if entry is not None and key == "depends_on":
                entry = Entry(key, needs, entry.why, entry.stands) if needs else None
            if entry is not None:
                out.append(entry)
        return tuple(out)


_HEADINGS: Final = {
    "metrics": "the queries of its panels",
    "objectives": "the thresholds of its panels",
    "actions": "what may be done to it",
}


def _all_of(needs: Mapping[str, list[str]], name: str) -> set[str]:
    """``name`` and all that it needs, directly or not."""
    found, pending = set[str](), [name]
    while pending:
        each = pending.pop()
        if each not in found:
            found.add(each)
            pending += needs.get(each, [])
    return found


def plain_text(value: object) -> str | None:
    """``value`` with the defaults of its variables; None where it needs one that has none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    missing = False

    def filled(match: re.Match[str]) -> str:
        nonlocal missing
        if match[0] == "$$":
            return "$"
        if match[2] in {":-", "-"}:
            return str(match[3])
        missing = True
        return ""

    text = _VARIABLE.sub(filled, str(value))
    return None if missing or "$" in text else text


def mapping(value: object) -> Mapping[str, Any]:
    """``value`` if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """``value`` if it is a list, one thing as a list of it, else an empty one."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def url_of(target: object, scheme: str, path: str = "") -> str:
    """``target`` as it is written, which is a host with or without a port, or a URL; '' for others.

    It is of ``scheme``, and continued by ``path``, where it is none itself.
    """
    text = plain_text(target) or ""
    match = _TARGET.fullmatch(text)
    if match is None or scheme not in {"http", "https"} or int(match["port"] or 1) >= 1 << 16:
        return ""
    return text if match["scheme"] else f"{scheme}://{text}{path}"


def is_reached(host: str) -> bool:
    """Whether ``host`` surely means the same from here.

    A name without a dot may be one of a network of containers.
    """
    return host in HERE or "." in host or ":" in host


def named(text: object) -> str:
    """``text`` as a service may be called; '' where nothing is left of it."""
    plain = plain_text(text)
    return fit(plain, "") if plain else ""
