"""A network bridge of one's own, made and removed without any program. Linux, root.

Interface: ioctl(2) requests of linux/sockios.h with a name (struct ifreq, netdevice(7)).
"""

import fcntl
import socket
import struct

_ADD_BRIDGE = 0x89A0
_REMOVE_BRIDGE = 0x89A1
_SET_FLAGS = 0x8914
_NAME_SIZE = 16


def add(name: str) -> None:
    """Make the bridge ``name`` (15 characters at most); OSError when that is not allowed."""
    _request(_ADD_BRIDGE, _encoded(name))


def remove(name: str) -> None:
    """Take the bridge down and remove it; OSError when there is no such bridge."""
    _request(_SET_FLAGS, struct.pack("16sH14x", _encoded(name), 0))
    _request(_REMOVE_BRIDGE, _encoded(name))


def _encoded(name: str) -> bytes:
    raw = name.encode("ascii")
    if len(raw) >= _NAME_SIZE:
        raise ValueError(f"an interface's name has at most {_NAME_SIZE - 1} characters: {name}")
    return raw.ljust(_NAME_SIZE, b"\0")


def _request(code: int, argument: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        fcntl.ioctl(channel, code, argument)
