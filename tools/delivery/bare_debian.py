"""Try what ``make dist`` made on bare Debians, and in a container: ``make tryout``, as root.

    python -m tools.delivery.bare_debian [bookworm] [trixie] [image]

Invariant: each Debian is new, has Python and nothing of ours, and is cut off from the network;
what runs there is what ``dist`` has. Each suite brings another Python. Nothing is installed here.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from opsconsole.demo import binaries
from opsconsole.demo.private_engine import PrivateEngine
from tools.debian import download, run
from tools.delivery.network import LOOPBACK_UP
from tools.delivery.single_file import ROOT, fetch

SUITES: Final = {"bookworm": "3.11", "trixie": "3.13"}
"""Which Python each has."""

PACKAGES: Final = ("python3", "python3-venv", "openssh-client")
DIST: Final = ROOT / "dist"
SHARED: Final = (
    "man/man1/opsconsole.1",
    "bash-completion/completions/opsconsole",
    "zsh/site-functions/_opsconsole",
)
PROOF: Final = Path(__file__).with_name("proof.py")


def main() -> int:
    """Try all that is named; 1 where something is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", choices=[*SUITES, "image", []])
    wanted = parser.parse_args().what or [*SUITES, "image"]
    with tempfile.TemporaryDirectory(prefix="opsconsole-debian-") as scratch:
        archives = {suite: _debian(suite, Path(scratch)) for suite in SUITES if suite in wanted}
        for suite, archive in archives.items():
            with _unpacked(archive) as root:
                fetch(_product("whl"), SUITES[suite], root / "wheels")
                _try(root)
                print(f"{suite}: ok", flush=True)
        if "image" in wanted:
            _try_image(archives.get("trixie") or _debian("trixie", Path(scratch)))
            print("image: ok", flush=True)
    return 0


def _debian(suite: str, scratch: Path) -> Path:
    """A Debian with Python, as an archive."""
    work = scratch / f"{suite}.work"
    work.mkdir()
    (package,) = download(["mmdebstrap"], work)
    run(["dpkg-deb", "--extract", str(package), str(work / "tree")])
    archive = scratch / f"{suite}.tar"
    made = f"--include={','.join(PACKAGES)}"
    run(["perl", str(work / "tree/usr/bin/mmdebstrap"), "--variant=minbase", made, suite,
         str(archive)])  # fmt: skip
    return archive


@contextmanager
def _unpacked(archive: Path) -> Iterator[Path]:
    """That Debian as a folder, with what is tried in ``/dist`` and the devices of this machine."""
    root = Path(tempfile.mkdtemp(prefix="opsconsole-root-", dir=archive.parent))
    root.chmod(0o755)
    try:
        run(["tar", "--extract", "--file", str(archive), "--directory", str(root)])
        shutil.copytree(DIST, root / "dist")
        shutil.copy(PROOF, root / "proof.py")
        (root / "home/user").mkdir(parents=True)
        os.chown(root / "home/user", 1000, 1000)
        yield root
    finally:
        shutil.rmtree(root)


def _product(ending: str) -> Path:
    (found,) = DIST.glob(f"opsconsole-*.{ending}")
    return found


def _try(root: Path) -> None:
    """The single file as root, as a user and unpacked; then the wheel in an environment."""
    file = f"/dist/{_product('pyz').name}"
    proof = ["python3", "/proof.py"]
    _within(root, [*proof, file])
    as_user = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
    _within(root, [*as_user, *proof, file], home="/home/user")
    _within(root, [file, "--unpack", "/opt/opsconsole"])
    _within(root, [*proof, "/opt/opsconsole/bin/opsconsole"])
    _within(root, ["python3", "-m", "venv", "/opt/venv"])
    pip = ["/opt/venv/bin/pip", "install", "--quiet", "--no-index", "--find-links=/wheels"]
    _within(root, [*pip, "opsconsole"])
    _within(root, [*proof, "/opt/venv/bin/opsconsole"])
    for home in ("opsconsole", "venv"):
        for shared in SHARED:
            assert (root / "opt" / home / "share" / shared).is_file(), (home, shared)


def _within(root: Path, argv: list[str], home: str = "/root") -> None:
    """Run it there without a network and with processes of its own."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": home}
    spaces = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
    enter = ["sh", "-c", 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"', str(root)]
    started = [*spaces, *enter, "python3", "-c", LOOPBACK_UP, *argv]
    subprocess.run(started, check=True, env=environment)


def _try_image(archive: Path) -> None:
    """Build the image on that Debian, and go through the proof in a container of it."""
    engine = PrivateEngine()
    try:
        engine.start()
        _docker(engine, "import", str(archive), "debian")
        _docker(engine, "build", "--quiet", "--network=none", "--build-arg=BASE=debian",
                "--file=Containerfile", "--tag=opsconsole", ".")  # fmt: skip
        _docker(engine, "run", "--rm", "--init", "--network=none", "--read-only", "--tmpfs=/tmp",
                f"--volume={PROOF}:/proof.py:ro", "--entrypoint=python3", "opsconsole",
                "/proof.py", "opsconsole")  # fmt: skip
    finally:
        engine.discard()


def _docker(engine: PrivateEngine, *words: str) -> None:
    docker = binaries.find("docker")
    assert docker is not None, "make servers"
    environment = {**os.environ, "DOCKER_HOST": engine.url, "DOCKER_BUILDKIT": "0"}
    subprocess.run([str(docker), *words], check=True, env=environment, cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
