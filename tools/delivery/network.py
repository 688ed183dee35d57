"""Running something where nothing but loopback is reached."""

import os
from collections.abc import Sequence
from typing import Final

LOOPBACK_UP: Final = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
os.execvp(sys.argv[1], sys.argv[1:])
"""


def cut_off(argv: Sequence[str]) -> list[str]:
    """``argv`` on a network of its own, which has loopback alone. Only root may do that."""
    assert os.geteuid() == 0
    return ["unshare", "--net", "python3", "-c", LOOPBACK_UP, *argv]
