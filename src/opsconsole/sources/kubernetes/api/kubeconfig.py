"""Which cluster a kubeconfig means and how it is reached, or the one that this program runs in.

Invariant: files are read as kubectl reads them: of several the first that names a thing has its
say, and a relative path is relative to the file that it stands in. A file that others could change
is refused where it hands out credentials: its writers would choose where they go, or what is run.

https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
"""

import base64
import binascii
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from opsconsole.config.files.opening import FileError, FileText, read_text
from opsconsole.config.files.yaml_tree import TreeError, read_tree
from opsconsole.config.kubernetes import KubernetesCluster
from opsconsole.dataclass import dataclass
from opsconsole.hiding import hide
from opsconsole.model.fault import FaultKind
from opsconsole.sources.kubernetes.api.access import Access
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError, unusable
from opsconsole.sources.kubernetes.api.credentials import Credentials, Written, content
from opsconsole.sources.kubernetes.api.exec_plugin import VERSIONS, Plugin, handed_by
from opsconsole.text import sanitize

VARIABLE: Final = "KUBECONFIG"

IN_CLUSTER: Final = "in-cluster"
"""What the context is called of a pod's own cluster."""

_MOUNTED: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_EXTENSION: Final = "client.authentication.k8s.io/exec"
_IMPERSONATE: Final = {"as": "Impersonate-User", "as-uid": "Impersonate-Uid"}
_SECRETS: Final = ("token", "password")

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _File:
    """One kubeconfig that was read."""

    path: Path
    text: FileText
    value: Entry

    def named(self, what: str, name: str) -> Entry | None:
        """What a list of this file has under ``name``: its ``context``, ``cluster`` or ``user``."""
        entries = self.value.get(what)
        for each in entries if isinstance(entries, list) else ():
            if isinstance(each, dict) and each.get("name") == name:
                inner = each.get(what.removesuffix("s"))
                return inner if isinstance(inner, dict) else {}
        return None


@dataclass(frozen=True, slots=True)
class _Part:
    """An entry and the file that it is of."""

    file: _File
    value: Entry

    def text(self, key: str) -> str:
        """A text; '' where it is not given. Raises ClusterError for anything else."""
        value = self.value.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise _wrong(self.file.path, f"{key} is no text")
        return value

    def file_or_data(self, key: str) -> bytes | Path | None:
        """What stands in ``key-data``, else the path in ``key``."""
        data = self.text(f"{key}-data")
        if data:
            try:
                return base64.b64decode(data, validate=True)
            except (binascii.Error, ValueError):
                raise _wrong(self.file.path, f"{key}-data is no base64") from None
        return self.path(key)

    def path(self, key: str) -> Path | None:
        """A path, from the folder of its file."""
        value = self.text(key)
        return self.file.path.parent / value if value else None


def access_of(
    cluster: KubernetesCluster,
    environ: Mapping[str, str],
    *,
    base: Path = Path(),
    mounted: Path = _MOUNTED,
) -> Access:
    """How ``cluster`` is reached; blocks on the disk, runs nothing. Raises ClusterError.

    A relative ``kubeconfig`` is relative to ``base``. Where there is no kubeconfig at all and this
    runs in a pod, it is that pod's cluster.
    """
    return _Asked(cluster, dict(environ), base, mounted).access()


@dataclass(slots=True)
class _Asked:
    """What was asked for, and how the files were when they were last read."""

    cluster: KubernetesCluster
    environ: Mapping[str, str]
    base: Path
    mounted: Path
    state: object = None

    def access(self) -> Access:
        self.state = self._state()
        made = _access(self.cluster, self.environ, self.base, self.mounted)
        if not self.cluster.in_cluster and made.context != IN_CLUSTER:
            # Whatever becomes the current context, this stays the same cluster.
            self.cluster = self.cluster.model_copy(update={"context": made.context})
        return replace(made, reread=self.changed)

    def changed(self) -> Access | None:
        return None if self._state() == self.state else self.access()

    def _state(self) -> object:
        """What differs once a file was written or exchanged."""
        found: list[tuple[int, ...]] = []
        for path, _ in _paths(self.cluster, self.environ, self.base):
            try:
                status = path.stat()
            except OSError:
                found.append(())
            else:
                found.append((status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode))
        return found


def _access(
    cluster: KubernetesCluster, environ: Mapping[str, str], base: Path, mounted: Path
) -> Access:
    if cluster.in_cluster:
        return _in_cluster(cluster.name, environ, mounted)
    files = _read_all(cluster, environ, base)
    if not files and not cluster.context and "KUBERNETES_SERVICE_HOST" in environ:
        return _in_cluster(cluster.name, environ, mounted)
    if not files:
        where = ", ".join(str(path) for path, _ in _paths(cluster, environ, base))
        hint = "name one: kubernetes: {kubeconfig: PATH}"
        raise unusable(f"there is no kubeconfig: {sanitize(where)}", hint, FaultKind.ABSENT)
    return _of_context(cluster, files, environ)


def _paths(
    cluster: KubernetesCluster, environ: Mapping[str, str], base: Path
) -> list[tuple[Path, bool]]:
    """The files to read, and whether each has to be there."""
    if cluster.kubeconfig:
        return [(base / Path(cluster.kubeconfig).expanduser(), True)]
    listed = [each for each in environ.get(VARIABLE, "").split(os.pathsep) if each]
    if listed:
        return [(Path(each), False) for each in dict.fromkeys(listed)]
    return [(Path(environ.get("HOME") or str(Path.home()), ".kube", "config"), False)]


def _read_all(cluster: KubernetesCluster, environ: Mapping[str, str], base: Path) -> list[_File]:
    found = []
    for named, needed in _paths(cluster, environ, base):
        path = named.absolute()
        if not needed and not path.exists():
            continue
        try:
            text = read_text(path)
            value = read_tree(text.text, str(path)).value
        except FileError as error:
            raise _wrong(path, error.message, error.remedy) from None
        except TreeError as error:
            raise _wrong(path, str(error.problems[0].message)) from None
        if value is not None and not isinstance(value, dict):
            raise _wrong(path, "is no kubeconfig")
        found.append(_File(path, text, value or {}))
    return found


def _of_context(
    cluster: KubernetesCluster, files: list[_File], environ: Mapping[str, str]
) -> Access:
    used = []
    name = cluster.context
    for file in files if name is None else ():
        current = file.value.get("current-context")
        if isinstance(current, str) and current:
            name = current
            used.append(file)
            break
    if not name:
        where = ", ".join(sanitize(str(each.path)) for each in files)
        known = [sanitize(each, limit=80) for each in _names(files, "contexts")] or ["NAME"]
        hint = f"name one in kubernetes: context: {', or '.join(known)}"
        raise unusable(f"no current-context in {where}", hint)
    context = _find(files, "contexts", name)
    place = _find(files, "clusters", context.text("cluster"))
    user = _find(files, "users", context.text("user")) if context.text("user") else None
    used += [each.file for each in (context, place, user) if each is not None]
    credentials, secret = _credentials(user, place, environ)
    if secret:
        _refuse_loose(used)
    return Access(
        name=cluster.name,
        server=_url(place, "server"),
        credentials=credentials,
        context=name,
        namespace=context.text("namespace") or "default",
        authorities=place.file_or_data("certificate-authority") or b"",
        server_name=place.text("tls-server-name"),
        insecure=place.value.get("insecure-skip-tls-verify") is True,
        proxy=_url(place, "proxy-url"),
        notes=tuple(_notes(place, user)),
    )


def _find(files: list[_File], what: str, name: str) -> _Part:
    for file in files:
        found = file.named(what, name)
        if found is not None:
            return _Part(file, found)
    shown = f"{what.removesuffix('s')} {sanitize(name, limit=100)!r}"
    where = ", ".join(sanitize(str(each.path), limit=200) for each in files)
    known = ", ".join(sanitize(each, limit=80) for each in _names(files, what))
    hint = f"it names {known}" if known else "look with: kubectl config view"
    raise unusable(f"there is no {shown} in {where}", hint, FaultKind.ABSENT)


def _names(files: list[_File], what: str) -> list[str]:
    """What the list called ``what`` names, the first ten."""
    found: dict[str, None] = {}
    for file in files:
        entries = file.value.get(what)
        for each in entries if isinstance(entries, list) else ():
            if isinstance(each, dict) and isinstance(each.get("name"), str):
                found[each["name"]] = None
    return list(found)[:10]


def _credentials(
    user: _Part | None, place: _Part, environ: Mapping[str, str]
) -> tuple[Credentials, bool]:
    """What ``user`` is known by, and whether that is worth keeping from others."""
    if user is None:
        return Written(), False
    if user.value.get("auth-provider"):
        hint = "use the exec plugin that its provider has instead"
        raise unusable("auth-provider is no longer part of Kubernetes", hint, FaultKind.UNSUPPORTED)
    plugin = user.value.get("exec")
    headers = tuple(_impersonating(user))
    if isinstance(plugin, dict):
        if headers:
            hint = "impersonate with a token or a certificate"
            message = "an exec plugin and as: together are not supported"
            raise unusable(message, hint, FaultKind.UNSUPPORTED)
        return handed_by(_plugin(_Part(user.file, plugin), place), environ), True
    for key in _SECRETS:
        if user.text(key):
            hide(user.text(key))
    name = user.text("username")
    written = Written(
        token=user.text("token"),
        token_file=user.path("tokenFile"),
        user=(name, user.text("password")) if name else None,
        certificate=user.file_or_data("client-certificate"),
        key=user.file_or_data("client-key"),
        headers=headers,
    )
    return written, written != Written()


def _impersonating(user: _Part) -> Iterator[tuple[str, str]]:
    for key, header in _IMPERSONATE.items():
        if user.text(key):
            yield header, _header(user, key, user.text(key))
    groups = user.value.get("as-groups")
    for group in groups if isinstance(groups, list) else ():
        yield "Impersonate-Group", _header(user, "as-groups", group)
    if user.value.get("as-user-extra"):
        raise unusable("as-user-extra is not supported", "leave it out", FaultKind.UNSUPPORTED)


def _header(user: _Part, key: str, value: object) -> str:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise _wrong(user.file.path, f"{key} holds what no header can")
    return value


def _plugin(exec_: _Part, place: _Part) -> Plugin:
    version, command = exec_.text("apiVersion"), exec_.text("command")
    path = exec_.file.path
    if version not in VERSIONS:
        known = ", ".join(sorted(VERSIONS))
        raise _wrong(path, f"exec has the apiVersion {sanitize(version, limit=80)!r}", known)
    if not command:
        raise _wrong(path, "exec names no command")
    if exec_.text("interactiveMode") == "Always":
        hint = "use one that needs no terminal, or a token"
        message = f"the exec plugin {sanitize(command, limit=80)} wants to ask at a terminal"
        raise unusable(message, hint, FaultKind.AUTH)
    arguments = exec_.value.get("args")
    arguments = arguments if isinstance(arguments, list) else []
    if not all(isinstance(each, str) for each in arguments):
        raise _wrong(path, "args of exec are not all texts")
    return Plugin(
        command,
        tuple(arguments),
        tuple(_variables(exec_)),
        version,
        path.parent,
        _info(place) if exec_.value.get("provideClusterInfo") is True else "",
        exec_.text("installHint"),
    )


def _variables(exec_: _Part) -> Iterator[tuple[str, str]]:
    variables = exec_.value.get("env")
    for each in variables if isinstance(variables, list) else ():
        name, value = (each.get("name"), each.get("value")) if isinstance(each, dict) else ("", "")
        if not isinstance(name, str) or not isinstance(value, str) or not name or "=" in name:
            raise _wrong(exec_.file.path, "env of exec takes names and texts")
        yield name, value


def _info(place: _Part) -> str:
    """``ExecCredential.spec.cluster`` as JSON."""
    authority = place.file_or_data("certificate-authority")
    if isinstance(authority, Path):
        authority = content(authority)
    extensions = place.value.get("extensions")
    config = [
        each.get("extension")
        for each in (extensions if isinstance(extensions, list) else ())
        if isinstance(each, dict) and each.get("name") == _EXTENSION
    ]
    info = {
        "server": place.text("server"),
        "tls-server-name": place.text("tls-server-name"),
        "insecure-skip-tls-verify": place.value.get("insecure-skip-tls-verify") is True,
        "certificate-authority-data": base64.b64encode(authority or b"").decode("ascii"),
        "proxy-url": place.text("proxy-url"),
        "config": config[0] if config else None,
    }
    return json.dumps({key: value for key, value in info.items() if value})


def _url(place: _Part, key: str) -> str:
    """A URL, whose password is shown nowhere from now on."""
    url = place.text(key)
    user, at, _ = url.rpartition("://")[2].rpartition("@")
    if at and ":" in user:
        hide(user.partition(":")[2])
    return url


def _refuse_loose(files: list[_File]) -> None:
    for file in files:
        if file.text.loose:
            shown = sanitize(str(file.path), limit=200)
            message = f"{shown} hands out credentials but {sanitize(file.text.loose)}"
            raise unusable(message, sanitize(file.text.remedy), FaultKind.LOCAL)


def _notes(place: _Part, user: _Part | None) -> Iterator[str]:
    if place.value.get("insecure-skip-tls-verify") is True:
        yield "the certificate of the API server is not verified (insecure-skip-tls-verify)"
    if place.text("server").startswith("http://"):
        yield "the API server is asked without TLS"
    if user is not None and any(user.text(key) for key in (*_SECRETS, "client-key-data")):
        path = user.file.path
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            return
        if mode & 0o077:
            shown = sanitize(str(path), limit=200)
            yield f"others can read the credentials in {shown}; chmod 600 {shown}"


def _wrong(path: Path, what: str, hint: str = "") -> ClusterError:
    shown = sanitize(str(path), limit=200)
    return unusable(f"{shown}: {sanitize(what)}", sanitize(hint) or "correct the kubeconfig")


def _in_cluster(name: str, environ: Mapping[str, str], mounted: Path) -> Access:
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT")
    if not host or not port:
        hint = "run it in a pod, or name a kubeconfig"
        message = "this runs in no pod: KUBERNETES_SERVICE_HOST is not set"
        raise unusable(message, hint, FaultKind.ABSENT)
    try:
        namespace = (mounted / "namespace").read_text("utf-8").strip()
    except (OSError, ValueError):
        namespace = "default"
    if not (mounted / "token").exists():
        hint = "let the pod have one: automountServiceAccountToken: true"
        raise unusable("this pod has no token of a service account", hint, FaultKind.ABSENT)
    return Access(
        name=name,
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        credentials=Written(token_file=mounted / "token"),
        context=IN_CLUSTER,
        namespace=sanitize(namespace, limit=63) or "default",
        authorities=mounted / "ca.crt",
    )
