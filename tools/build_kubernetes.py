"""Kubernetes' servers, built from Debian's source package with Debian's Go.

Debian ships the client alone, and its source package has the servers and all that they need: no
registry, no proxy of Go's. Some of the code is generated first, as Debian leaves it out.

Needs dpkg-dev and a C compiler, 3 GB for a while, and twelve minutes on two idle cores.
"""

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tools.debian import FetchError, apt_options, private_lists, run

VERSION: Final = "1.20.2"
SOURCE: Final = "kubernetes=1.20.5+really1.20.2-1.1+deb12u1"
SUITE: Final = "bookworm"

_TIMEOUT: Final = 3600
_KEYS: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
_MODULE: Final = "k8s.io/kubernetes"
_STAGING: Final = "staging/src/k8s.io"
_MARK: Final = b"+k8s:openapi-gen="

# Where the descriptions of objects are generated, and for which parts of the source.
_OF_SERVER: Final = (
    "api", "apimachinery", "apiserver", "kube-aggregator", "apiextensions-apiserver",
    "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubelet", "component-base",
    "cloud-provider", "client-go", "controller-manager", "metrics",
)  # fmt: skip
_GENERATED: Final = {
    "pkg/generated/openapi": ("pkg", *(f"{_STAGING}/{name}" for name in _OF_SERVER)),
    "vendor/k8s.io/kube-aggregator/pkg/generated/openapi": (
        f"{_STAGING}/apimachinery",
        f"{_STAGING}/api",
        f"{_STAGING}/kube-aggregator",
    ),
    "vendor/k8s.io/apiextensions-apiserver/pkg/generated/openapi": (
        f"{_STAGING}/apimachinery",
        f"{_STAGING}/api/autoscaling",
        f"{_STAGING}/apiextensions-apiserver",
    ),
}
# The kubelet alone calls C libraries.
_PROGRAMS: Final = {
    "kube-apiserver": "0",
    "kube-controller-manager": "0",
    "kube-scheduler": "0",
    "kubelet": "1",
}


def build_kubernetes(tree: Path, made: Path) -> None:
    """Etcd and Kubernetes' servers in ``made``; ``tree`` has Go and etcd unpacked."""
    for tool, package in (("dpkg-source", "dpkg-dev"), ("gcc", "gcc libc6-dev")):
        if shutil.which(tool) is None:
            raise FetchError(f"needs {tool}; as root: apt-get install {package}")
    work = tree.parent
    path = work / "go"
    source = path / "src" / _MODULE
    source.parent.mkdir(parents=True)
    unpack_source(work / "source", source)
    go = _Go(tree / "usr/lib/go-1.19", path, work / "objects", source)
    generate(go)
    programs = made / "usr/bin"
    programs.mkdir(parents=True)
    shutil.copy2(tree / "usr/bin/etcd", programs)
    for number, (name, uses_c) in enumerate(_PROGRAMS.items(), 1):
        print(f"  building {name} ({number} of {len(_PROGRAMS)})", flush=True)
        go.build(f"./cmd/{name}", programs / name, uses_c=uses_c)


def unpack_source(folder: Path, into: Path) -> None:
    """Bring Debian's source package, with its patches, ``into`` a folder that is not there yet."""
    (folder / "sources").mkdir(parents=True)
    (folder / "sources/own.sources").write_text(
        f"Types: deb-src\nURIs: {mirror()}\nSuites: {SUITE}\nComponents: main\n"
        f"Signed-By: {_KEYS}\n",
        encoding="utf-8",
    )
    apt = [
        *("apt-get", "--quiet", "--quiet", *apt_options(), *private_lists(folder / "apt")),
        *("-o", "Dir::Etc::sourcelist=/dev/null"),
        *("-o", f"Dir::Etc::sourceparts={folder / 'sources'}"),
    ]
    run([*apt, "update"])
    bring = [*apt, "source", "--download-only"]
    try:
        run([*bring, SOURCE], folder=folder)
    except FetchError:
        run([*bring, SOURCE.partition("=")[0]], folder=folder)
        print("the locked version of the source is gone: took what there is", flush=True)
    (description,) = folder.glob("*.dsc")
    run(["dpkg-source", "--no-check", "--extract", str(description), str(into)])


def mirror() -> str:
    """The archive that the system has its packages from."""
    listed = run(["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)"]).splitlines()
    for site, _, release in (line.partition(" ") for line in listed):
        if release == SUITE:
            return site
    raise FetchError(f"needs an archive of Debian {SUITE} among the system's sources")


def generate(go: "_Go") -> None:
    """Generate the code that the servers describe their objects with."""
    print("  generating", flush=True)
    generator = go.path / "openapi-gen"
    go.build("./vendor/k8s.io/kube-openapi/cmd/openapi-gen", generator)
    for package, parts in _GENERATED.items():
        go.run(
            str(generator),
            *("--input-dirs", ",".join(marked(go.source, parts))),
            *("--output-package", f"{_MODULE}/{package}"),
            *("--output-file-base", "zz_generated.openapi"),
            *("--go-header-file", "hack/boilerplate/boilerplate.generatego.txt"),
            *("--report-filename", str(go.path / "violations")),
            *("--output-base", str(go.path / "src")),
        )


def marked(source: Path, parts: Iterable[str]) -> list[str]:
    """The packages in these folders that ask for a description, by the names that Go has."""
    folders = {
        file.parent.relative_to(source)
        for part in parts
        for file in (source / part).rglob("*.go")
        if _MARK in file.read_bytes()
    }
    vendored = re.compile(rf"^{_STAGING}/")
    return sorted(f"{_MODULE}/{vendored.sub('vendor/k8s.io/', str(folder))}" for folder in folders)


class _Go:
    """Go, which compiles one source tree and keeps what it compiled until it is removed."""

    def __init__(self, root: Path, path: Path, objects: Path, source: Path) -> None:
        self.path = path
        self.source = source
        self._program = str(root / "bin/go")
        self._environment = {
            "GOROOT": str(root),
            "GOPATH": str(path),
            "GOCACHE": str(objects),
            "GO111MODULE": "off",
            "GOFLAGS": "",
            "PATH": os.pathsep.join([str(root / "bin"), os.environ.get("PATH", os.defpath)]),
        }

    def build(self, package: str, into: Path, *, uses_c: str = "0") -> None:
        """Compile the program of a package; it says its version."""
        version = f"{_MODULE}/vendor/k8s.io/component-base/version"
        major, minor, _ = VERSION.split(".")
        given = {"gitVersion": f"v{VERSION}", "gitMajor": major, "gitMinor": minor}
        flags = " ".join(["-s", "-w", *(f"-X {version}.{key}={given[key]}" for key in given)])
        self.run(self._program, "build", "-ldflags", flags, "-o", str(into), package, uses_c=uses_c)

    def run(self, *command: str, uses_c: str = "0") -> None:
        """Run a command on the source, behind everything else that the machine does."""
        run(
            ["nice", "-n", "10", *command],
            folder=self.source,
            environment={**self._environment, "CGO_ENABLED": uses_c},
            timeout=_TIMEOUT,
        )
