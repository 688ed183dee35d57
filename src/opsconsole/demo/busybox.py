"""A container's root file system made from one program: busybox under all its names.

Invariant: the same version gives the same bytes, and two versions differ in what they serve.
"""

import io
import subprocess
import tarfile
from pathlib import Path

from opsconsole.demo import binaries
from opsconsole.demo.processes import ServerError

_HEADERS = 4096
_FOLDERS = {"tmp": 0o1777, "proc": 0o755, "sys": 0o755, "dev": 0o755}
_FILES = {
    "www/index.html": "version {version}\n",
    "etc/passwd": "root:x:0:0:root:/:/bin/sh\n",
    "etc/group": "root:x:0:\n",
}


def archive(version: int) -> bytes:
    """A root file system as a tar file: busybox under all its names and a page to serve."""
    busybox = _static_busybox()
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    names = [name for name in listed.stdout.split() if name != "busybox"]
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        tar.add(busybox.resolve(), "bin/busybox", filter=_as_root)
        for name in names:
            tar.addfile(_link(f"bin/{name}", "busybox"))
        for path, text in _FILES.items():
            content = text.format(version=version).encode()
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        for path, mode in _FOLDERS.items():
            entry = tarfile.TarInfo(path)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
    return output.getvalue()


def _static_busybox() -> Path:
    busybox = binaries.find("busybox")
    if busybox is None:
        raise ServerError("busybox is not on this machine", remedy="run make servers")
    with busybox.open("rb") as file:
        if b"/ld-" in file.read(_HEADERS):  # names its dynamic linker (elf(5), PT_INTERP)
            raise ServerError(
                f"{busybox} needs shared libraries, which a container lacks",
                remedy="run make servers for a static one",
            )
    return busybox


def _as_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid, entry.gid, entry.uname, entry.gname, entry.mtime = 0, 0, "", "", 0
    return entry


def _link(name: str, target: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry
