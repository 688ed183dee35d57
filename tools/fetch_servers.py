"""Bring real servers into ``.servers/`` from Debian packages, installing nothing.

    python3 tools/fetch_servers.py [--into FOLDER] [monitoring] [victoria] [docker] [images] [fonts]
                                   [hosts]

Invariant: a group's folder is whole or absent. Packages are unpacked beside it and the folder
is renamed into place; a stamp inside names the packages, so a second run does nothing. The
system's packages and package lists stay untouched: where its lists do not serve (missing or
too old), lists of this program's own are fetched into a temporary folder. What is built of packages
is kept outside of the project, in the user's cache, and the group's folder is a link to it.

Needs only Python's standard library, apt-get and dpkg, and no root.
"""

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

STAMP = ".packages"
TIMEOUT = 600
LOCK = Path(__file__).resolve().parents[1] / "locks" / "debian.txt"


@dataclass(frozen=True)
class Group:
    """Debian packages that serve one purpose; ``commands`` are what they are fetched for.

    ``build``: what is kept is not the packages but what this makes of their tree, in a folder.
    """

    commands: tuple[str, ...]
    packages: tuple[str, ...]
    build: Callable[[Path, Path], None] | None = None


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
    # A container's file system needs the static busybox; one on PATH is often linked to libc.
    "images": Group(commands=(), packages=("busybox-static",)),
    "fonts": Group(commands=(), packages=("fonts-dejavu-core",)),
    # Machines to log in to: an image for the Docker Engine.
    "hosts": Group(commands=(), packages=("mmdebstrap",), build=build_host),
}


class FetchError(Exception):
    """Why a group is not available, with the remedy."""


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
                print(f"{name}: {provide(name, GROUPS[name], options.into)}", flush=True)
    except (FetchError, OSError) as error:
        print(f"cannot fetch the servers: {error}", file=sys.stderr)
        return 1
    return 0


def provide(name: str, group: Group, folder: Path) -> str:
    """Make the group available and say how."""
    stamp = stamp_of(group)
    if is_current(folder / name, stamp):
        return f"already in {folder / name}"
    if group.commands and all(shutil.which(c, path=search_path()) for c in group.commands):
        return "on this machine already"
    target = folder / name
    if group.build is not None:
        target = cache() / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if is_current(target, stamp):
            lead(folder / name, target)
            return f"already in {target}"
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
        (tree / STAMP).write_text(stamp, encoding="utf-8")
        tree.chmod(0o755)
        if target.exists():
            target.rename(work / "old")
        tree.rename(target)
    if group.build is not None:
        lead(folder / name, target)
        return f"built in {target}"
    return f"unpacked {len(packages)} packages into {target}"


def stamp_of(group: Group) -> str:
    """What distinguishes one content of a group's folder from another."""
    built = HOST_PACKAGES if group.build is build_host else ()
    return "".join(f"{name}\n" for name in (*group.packages, *built))


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


def locked(packages: Sequence[str]) -> list[str]:
    """The packages with the versions that are written down for them, where any is."""
    lines = LOCK.read_text(encoding="utf-8").splitlines() if LOCK.exists() else []
    versions = {line.partition("=")[0]: line for line in lines}
    return [versions.get(name, name) for name in packages]


def download(packages: Sequence[str], work: Path) -> list[Path]:
    """The packages' files, by the system's lists or, where those fail, by lists of our own.

    In their locked versions; where an archive has these no more, in those that it has.
    """
    folder = work / "packages"
    folder.mkdir()
    apt = ["apt-get", "--quiet", "--quiet", *apt_options()]
    try:
        run([*apt, "download", *locked(packages)], folder=folder)
    except FetchError:
        apt += private_lists(work / "apt")
        run([*apt, "update"])
        try:
            run([*apt, "download", *locked(packages)], folder=folder)
        except FetchError:
            run([*apt, "download", *packages], folder=folder)
            print("some locked versions are gone: took what there is", flush=True)
    found = sorted(folder.glob("*.deb"))
    if len(found) != len(packages):
        raise FetchError(f"apt-get brought {len(found)} packages of {len(packages)}")
    return found


def apt_options() -> list[str]:
    """Root would hand the download to a user who cannot write to our folder."""
    return ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []


def private_lists(folder: Path) -> list[str]:
    """Options that give apt-get lists and a cache in ``folder``, and the system's sources."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    return [
        "-o", f"Dir::State={folder / 'state'}",
        "-o", f"Dir::State::lists={folder / 'state/lists'}",
        "-o", "Dir::State::status=/var/lib/dpkg/status",
        "-o", f"Dir::Cache={folder / 'cache'}",
    ]  # fmt: skip


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


def require_debian() -> None:
    """Raise FetchError unless Debian's package tools are there."""
    missing = [tool for tool in ("apt-get", "dpkg-deb") if not shutil.which(tool)]
    if missing:
        raise FetchError(
            f"needs Debian or Ubuntu ({' and '.join(missing)} not found); elsewhere put "
            "prometheus, alertmanager and dockerd on PATH yourself"
        )


def search_path() -> str:
    """PATH with the folders of system programs, which a plain user's PATH lacks."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def run(command: Sequence[str], *, folder: Path | None = None) -> None:
    """Run a command quietly; FetchError with its last words when it fails."""
    shown = " ".join([command[0], *(w for w in command[1:] if w in ("update", "download"))])
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"{shown} took more than {TIMEOUT} s; is the mirror reachable?") from error
    if done.returncode != 0:
        words = "\n  ".join((done.stderr or done.stdout).strip().splitlines()[-6:])
        raise FetchError(
            f"{shown} failed; check the network and run 'apt-get update' as root\n  {words}"
        )


if __name__ == "__main__":
    sys.exit(main())
