"""Credentials that a program hands out: client-go's exec plugins, of all three versions.

Invariant: a plugin cannot take the terminal or hold up anything but its own thread: it has no
input, a session of its own, twenty seconds and a bounded output, and then its whole group ends.
What it gave is used until a minute before it ends; all clients of one context share one run.
Nothing is run that others could change.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

import json
import os
import shutil
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Final

from opsconsole import ownership, programs
from opsconsole.config.secrets.core_dumps import forbid_core_dumps
from opsconsole.config.secrets.learning import announces_secret
from opsconsole.config.secrets.patterns import redacted
from opsconsole.dataclass import dataclass
from opsconsole.hiding import hide
from opsconsole.model.fault import FaultKind
from opsconsole.model.running.machine import Command, End, Finished
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError, unusable
from opsconsole.sources.kubernetes.api.credentials import Identity, bearer
from opsconsole.sources.strict_json import InvalidJsonError, parse
from opsconsole.text import sanitize, sanitize_bytes

DEADLINE: Final = 20.0
"""Seconds that a plugin may take."""

MARGIN: Final = 60.0
"""Seconds before its end from which a credential is no longer used."""

AGAIN: Final = 5.0
"""Seconds between two runs of a plugin, whatever came of the first."""

VERSIONS: Final = frozenset(
    f"client.authentication.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1")
)
_OUTPUT: Final = 1 << 20
_COMPLAINT: Final = 600


@dataclass(frozen=True, slots=True)
class Plugin:
    """Which program, as a kubeconfig names it. ``folder`` is the kubeconfig's.

    ``cluster`` is JSON of what it learns of the cluster, '' where that is nothing.
    """

    command: str
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    version: str = "client.authentication.k8s.io/v1"
    folder: Path = Path("/")
    cluster: str = ""
    install_hint: str = ""

    @property
    def line(self) -> str:
        """How a person would run it, as it may be shown."""
        return sanitize(redacted(" ".join((self.command, *self.arguments))), limit=160)


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run gave, and when it ended on the monotonic clock."""

    at: float
    identity: Identity | None = None
    error: ClusterError | None = None


class Handed:
    """What a plugin hands out, for all who ask; made by ``handed_by``."""

    def __init__(
        self,
        plugin: Plugin,
        environ: Mapping[str, str],
        *,
        deadline: float = DEADLINE,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plugin = plugin
        self._environ = dict(environ)
        self._deadline = deadline
        self._wall = wall
        self._steady = steady
        self._lock = threading.Lock()
        self._last: _Run | None = None

    def identity(self) -> Identity:
        """What the last run gave, while it is good; else what a new one gives."""
        with self._lock:
            known = None if self._last is None else self._last.identity
            if known is not None and self._wall() < known.until:
                return known
            return self._given()

    def renewed(self, refused: Identity) -> Identity:
        """What the plugin gives when it is run again, unless that has been done already."""
        with self._lock:
            known = None if self._last is None else self._last.identity
            if known is not None and known != refused:
                return known
            return self._given()

    def _given(self) -> Identity:
        """Run it, unless it has only just been."""
        last = self._last
        if last is None or self._steady() - last.at >= AGAIN:
            try:
                identity, error = self._run(), None
            except ClusterError as failed:
                identity, error = None, failed
            self._last = last = _Run(self._steady(), identity, error)
        if last.identity is None:
            assert last.error is not None
            raise ClusterError(last.error.fault)
        return last.identity

    def _run(self) -> Identity:
        forbid_core_dumps()
        plugin = self._plugin
        environment = {**self._environ, **dict(plugin.environment)}
        for name, value in environment.items():
            if announces_secret(name):
                # It may write what it was given where it complains.
                hide(value, name)
        command = Command(
            (self._program(environment.get("PATH", programs.PATH)), *plugin.arguments),
            cwd=str(plugin.folder),
            environment={**environment, "KUBERNETES_EXEC_INFO": _info(plugin)},
        )
        try:
            finished = programs.run(command, limit=_OUTPUT, deadline=self._deadline)
        except OSError as error:
            raise self._trouble(f"cannot be run: {error.strerror}") from None
        if not finished.good:
            raise self._trouble(self._how_it_ended(finished))
        try:
            return self._understood(parse(finished.output))
        except InvalidJsonError as error:
            raise self._trouble(f"printed what is no JSON: {error}") from None

    def _program(self, search: str) -> str:
        """The path of the program. Raises ClusterError where others could change it."""
        plugin = self._plugin
        if "/" in plugin.command:
            path: str | None = str(plugin.folder / plugin.command)
        else:
            path = shutil.which(plugin.command, path=search)
        if path is None:
            where = sanitize(search, limit=300)
            hint = sanitize(plugin.install_hint, limit=300) or "install it, or correct PATH"
            raise self._trouble(f"is not found in PATH={where}", hint)
        try:
            loose = ownership.looseness(Path(path))
        except OSError as error:
            hint = sanitize(plugin.install_hint, limit=300)
            raise self._trouble(f"cannot be run: {error.strerror}", hint) from None
        if loose is not None:
            raise self._trouble(f"is not run: {sanitize(loose.how)}", sanitize(loose.remedy))
        return path

    def _how_it_ended(self, finished: Finished) -> str:
        said = sanitize_bytes(finished.complaint.strip(), limit=_COMPLAINT, multiline=True)
        said = redacted(" · ".join(line for line in said.split("\n") if line.strip())[-_COMPLAINT:])
        match finished.end:
            case End.LATE:
                how = f"gave no credentials within {self._deadline:g} s"
            case End.TOO_LARGE:
                how = "printed too much"
            case End.EXITED | End.STOPPED:
                how = f"ended with code {finished.code}"
        return f"{how}: {said}" if said else how

    def _understood(self, answer: object) -> Identity:
        """The identity in an ``ExecCredential``."""
        if not isinstance(answer, dict) or answer.get("kind") != "ExecCredential":
            raise self._trouble("printed no ExecCredential")
        if answer.get("apiVersion") != self._plugin.version:
            shown = sanitize(str(answer.get("apiVersion")), limit=80)
            raise self._trouble(f"answers as {shown}, not {self._plugin.version}")
        status = answer.get("status")
        status = status if isinstance(status, dict) else {}
        token = _text(status.get("token"))
        pair = _text(status.get("clientCertificateData")), _text(status.get("clientKeyData"))
        if not token and not all(pair):
            raise self._trouble("printed neither a token nor a certificate with its key")
        if pair[1]:
            hide(pair[1])
        certificate = (pair[0].encode(), pair[1].encode()) if all(pair) else None
        headers = (bearer(token),) if token else ()
        ends = self._until(status.get("expirationTimestamp"))
        return Identity(headers, certificate, ends, self._remedy)

    def _until(self, ends: object) -> float:
        """Until when a credential is used that ends at ``ends``."""
        if ends is None or ends == "":
            return inf
        try:
            end = datetime.fromisoformat(str(ends).replace("Z", "+00:00"))
        except ValueError:
            shown = sanitize(str(ends), limit=40)
            raise self._trouble(f"says that its credentials end at {shown!r}") from None
        when = end.replace(tzinfo=end.tzinfo or UTC).timestamp()
        left = when - self._wall()
        if left <= 0:
            raise self._trouble("gave credentials that have ended already")
        return when - min(MARGIN, left / 2)

    def _trouble(self, what: str, hint: str = "") -> ClusterError:
        name = sanitize(os.path.basename(self._plugin.command), limit=60)
        return unusable(f"{name} {what}", hint or self._remedy, FaultKind.AUTH)

    @property
    def _remedy(self) -> str:
        return f"run it in a shell: {self._plugin.line}"


def _info(plugin: Plugin) -> str:
    """What a plugin learns from its environment."""
    spec: dict[str, object] = {"interactive": False}
    if plugin.cluster:
        spec["cluster"] = json.loads(plugin.cluster)
    info = {"apiVersion": plugin.version, "kind": "ExecCredential", "spec": spec}
    return json.dumps(info, separators=(",", ":"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


class _Shared:
    """One ``Handed`` for each plugin and environment, for as long as somebody uses it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: weakref.WeakValueDictionary[tuple[object, ...], Handed] = (
            weakref.WeakValueDictionary()
        )

    def of(self, plugin: Plugin, environ: Mapping[str, str]) -> Handed:
        key = (plugin, tuple(sorted(environ.items())))
        with self._lock:
            found = self._known.get(key)
            if found is None:
                found = self._known[key] = Handed(plugin, environ)
            return found


_SHARED: Final = _Shared()


def handed_by(plugin: Plugin, environ: Mapping[str, str]) -> Handed:
    """What ``plugin`` hands out: the same for all who ask in one process."""
    return _SHARED.of(plugin, environ)
