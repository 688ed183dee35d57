"""Bring real servers into ``.servers/`` from Debian packages, installing nothing.

    python3 tools/fetch_servers.py [--into FOLDER] [monitoring] [victoria] [docker] [podman]
                                   [postgresql] [images] [fonts] [hosts] [kubernetes]

Invariant: a group's folder is whole or absent. Packages are unpacked beside it and the folder
is renamed into place; a stamp inside names the packages, so a second run does nothing. What is
built of packages is kept outside of the project, in the user's cache, where one builds at a time,
and the group's folder is a link to it. What takes long to build is built where it is named alone.

Needs only Python's standard library, apt-get and dpkg, and no root.
"""

import argparse
import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # where it is run as a file

from tools.build_kubernetes import SOURCE, VERSION, build_kubernetes
from tools.debian import FetchError, download, require_debian, run

STAMP = ".packages"


@dataclass(frozen=True)
class Group:
    """Debian packages that serve one purpose; ``commands`` are what they are fetched for.

    ``build``: what is kept is not the packages but what this makes of their tree, in a folder,
    and of ``parts`` beside them. ``version`` distinguishes it from another that is kept too.
    """

    commands: tuple[str, ...]
    packages: tuple[str, ...]
    build: Callable[[Path, Path], None] | None = None
    parts: tuple[str, ...] = ()
    version: str = ""
    is_long: bool = False


HOST_PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "iproute2",
    "procps",
    "git",
    "sudo",
    "fish",
    "csh",
    "busybox",
)


def build_host(tree: Path, made: Path) -> None:
    """A whole Debian with systemd and sshd as ``host.tar``, by the unpacked mmdebstrap."""
    perl = shutil.which("perl")
    if perl is None:
        raise FetchError("needs perl, which builds the hosts; as root: apt-get install perl")
    run(
        [
            perl,
            str(tree / "usr/bin/mmdebstrap"),
            "--variant=minbase",
            f"--include={','.join(HOST_PACKAGES)}",
            "bookworm",
            str(made / "host.tar"),
        ]
    )


GROUPS = {
    "monitoring": Group(
        commands=(
            "prometheus",
            "prometheus-alertmanager",
            "prometheus-node-exporter",
            "prometheus-blackbox-exporter",
        ),
        packages=(
            "prometheus",
            "prometheus-alertmanager",
            "prometheus-node-exporter",
            "prometheus-blackbox-exporter",
        ),
    ),
    "victoria": Group(
        commands=("victoria-metrics", "vmalert"),
        packages=("victoria-metrics",),
    ),
    "docker": Group(
        commands=("dockerd", "containerd", "runc"),
        packages=(
            "docker.io",
            "containerd",
            "runc",
            "tini",
            "libdevmapper1.02.1",
            "libseccomp2",
            "iptables",
            "libip4tc2",
            "libip6tc2",
            "libxtables12",
            "libmnl0",
            "libnetfilter-conntrack3",
            "libnfnetlink0",
            "libnftnl11",
        ),
    ),
    # It runs containers by the runc of the group docker.
    "podman": Group(
        commands=("podman", "conmon"),
        packages=(
            "podman",
            "conmon",
            "golang-github-containers-common",
            "golang-github-containers-image",
            "netavark",
            "aardvark-dns",
            "libgpgme11",
            "libsubid4",
            "libassuan0",
            "catatonit",
        ),
    ),
    # The state of several bastions. A running server of the machine's own is not used.
    "postgresql": Group(
        commands=(),
        packages=(
            "postgresql-15",
            "postgresql-client-15",
            "pgbouncer",
            "libpq5",
            "libicu72",
            "libxml2",
            "libldap-2.5-0",
            "libsasl2-2",
            "libevent-2.1-7",
            "libc-ares2",
        ),
    ),
    # A container's file system needs the static busybox; one on PATH is often linked to libc.
    "images": Group(commands=(), packages=("busybox-static",)),
    "fonts": Group(commands=(), packages=("fonts-dejavu-core",)),
    # Machines to log in to: an image for the Docker Engine.
    "hosts": Group(commands=(), packages=("mmdebstrap",), build=build_host, parts=HOST_PACKAGES),
    # A Kubernetes of another version may run no pods here: the machine's own is not used.
    "kubernetes": Group(
        commands=(),
        packages=("golang-1.19-go", "golang-1.19-src", "etcd-server"),
        build=build_kubernetes,
        parts=(SOURCE,),
        version=VERSION,
        is_long=True,
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Fetch the groups named, all when none is; 1 when one of them is not available."""
    parser = argparse.ArgumentParser(
        description="Unpack the real servers that tests and demo use. Nothing is installed."
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    default = Path(__file__).resolve().parents[1] / ".servers"
    parser.add_argument("--into", type=Path, default=default, help="default: %(default)s")
    options = parser.parse_args(argv)
    unknown = [name for name in options.groups if name not in GROUPS]
    if unknown:
        parser.error(f"no such group: {', '.join(unknown)} (there are {', '.join(GROUPS)})")
    try:
        options.into.mkdir(parents=True, exist_ok=True)
        with (options.into / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for name in options.groups or GROUPS:
                asked = name in options.groups
                said = provide(name, GROUPS[name], options.into, asked=asked)
                print(f"{name}: {said}", flush=True)
    except (FetchError, OSError) as error:
        print(f"cannot fetch the servers: {error}", file=sys.stderr)
        return 1
    return 0


def provide(name: str, group: Group, folder: Path, *, asked: bool = True) -> str:
    """Make the group available and say how; ``asked``: by its name."""
    stamp = stamp_of(group)
    if is_current(folder / name, stamp):
        return f"already in {folder / name}"
    if group.commands and all(shutil.which(c, path=search_path()) for c in group.commands):
        return "on this machine already"
    if group.build is None:
        count = fill(folder / name, group)
        return f"unpacked {count} packages into {folder / name}"
    kept = cache() / "-".join(filter(None, (name, group.version)))
    if group.is_long and not asked and not is_current(kept, stamp):
        return f"not built; make {name} does it, which takes long"
    with alone(kept):
        there = is_current(kept, stamp)
        if not there:
            fill(kept, group)
        lead(folder / name, kept)
    return f"{'already' if there else 'built'} in {kept}"


def fill(target: Path, group: Group) -> int:
    """Put into ``target`` what a group has; how many packages that took."""
    require_debian()
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
        work = Path(scratch)
        packages = download(group.packages, work)
        tree = work / "tree"
        for package in packages:
            run(["dpkg-deb", "--extract", str(package), str(tree)])
        add_iptables_names(tree)
        free_alertmanager(tree)
        if group.build is not None:
            made = work / "made"
            made.mkdir()
            group.build(tree, made)
            tree = made
        (tree / STAMP).write_text(stamp_of(group), encoding="utf-8")
        tree.chmod(0o755)
        if target.exists():
            target.rename(work / "old")
        tree.rename(target)
    return len(packages)


def stamp_of(group: Group) -> str:
    """What distinguishes one content of a group's folder from another."""
    return "".join(f"{name}\n" for name in (*group.packages, *group.parts))


@contextlib.contextmanager
def alone(target: Path) -> Iterator[None]:
    """Keep out others who build the same, here or in another copy of the project."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def cache() -> Path:
    """Where what took long to build is kept for every copy of the project."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if home else Path.home() / ".cache") / "opsconsole-servers"


def lead(link: Path, target: Path) -> None:
    """Make ``link`` lead to ``target``, in one step."""
    beside = link.with_name(f".{link.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    beside.rename(link)


def is_current(target: Path, stamp: str) -> bool:
    """Whether ``target`` was unpacked from these very packages."""
    try:
        return (target / STAMP).read_text(encoding="utf-8") == stamp
    except OSError:
        return False


def add_iptables_names(tree: Path) -> None:
    """Name the iptables programs, which an installed package gets as alternatives."""
    programs = tree / "usr/sbin"
    for name in ("iptables", "ip6tables"):
        if (programs / "xtables-nft-multi").exists():
            (programs / name).symlink_to("xtables-nft-multi")


def free_alertmanager(tree: Path) -> None:
    """Let the unpacked Alertmanager find its templates in its working folder.

    Debian's build opens them below a fixed absolute path, which exists only where the package
    is installed. The path in the unpacked program becomes a relative one of the same length.
    """
    program = tree / "usr/bin/prometheus-alertmanager"
    if not program.exists():
        return
    fixed = b"/usr/share/prometheus/alertmanager"
    program.write_bytes(program.read_bytes().replace(fixed, b"./" * (len(fixed) // 2)))


def search_path() -> str:
    """PATH with the folders of system programs, which a plain user's PATH lacks."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


if __name__ == "__main__":
    sys.exit(main())
