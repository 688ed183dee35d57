"""As whom a cluster is asked: tokens, passwords, certificates, and what a program hands out.

Invariant: a secret's value is in the request that goes out and nowhere else; files are read again,
so that one that is rotated is followed. Everything here blocks: call it in an executor.
"""

import base64
import os
import time
from collections.abc import Callable
from dataclasses import field
from math import inf
from pathlib import Path
from typing import Final, Protocol

from opsconsole import durable
from opsconsole.config.secrets.core_dumps import forbid_core_dumps
from opsconsole.dataclass import dataclass
from opsconsole.hiding import hide
from opsconsole.sources.kubernetes.api.cluster_error import unusable
from opsconsole.text import sanitize

REREAD: Final = 60.0
"""Seconds for which what a file holds is used; a service account's token changes by the hour."""

_LIMIT: Final = 1 << 20
"""Bytes of a file of a token, a certificate or a key."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a request is signed with; two that are equal are the same user's.

    ``until`` is the Unix time until which it is used; ``remedy`` is what to do once the server no
    longer takes it.
    """

    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    certificate: tuple[bytes, bytes] | None = field(default=None, repr=False)
    until: float = field(default=inf, compare=False)
    remedy: str = field(default="", compare=False)


class Credentials(Protocol):
    """Where an identity comes from; shared by all clients of one context."""

    def identity(self) -> Identity:
        """What to ask with now; blocks. Raises ClusterError."""
        ...

    def renewed(self, refused: Identity) -> Identity:
        """What to ask with after ``refused`` was: the same where there is no other; blocks.

        Raises ClusterError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """Credentials that a kubeconfig or a pod's files hold. Bytes are as written, a path is read.

    A token goes before a file of one, both before user and password. ``headers`` go out besides.
    """

    token: str = field(default="", repr=False)
    token_file: Path | None = None
    user: tuple[str, str] | None = field(default=None, repr=False)
    certificate: bytes | Path | None = None
    key: bytes | Path | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    wall: Callable[[], float] = time.time

    def identity(self) -> Identity:
        """As written now."""
        forbid_core_dumps()
        certificate = None
        if self.certificate is not None and self.key is not None:
            certificate = content(self.certificate), content(self.key)
            hide(certificate[1].decode("ascii", "replace"))
        files = (self.token_file, self.certificate, self.key)
        ends = self.wall() + REREAD if any(isinstance(each, Path) for each in files) else inf
        headers = (*self._authorization(), *self.headers)
        return Identity(headers, certificate, ends, self._remedy())

    def renewed(self, refused: Identity) -> Identity:
        """What the files hold by now."""
        return self.identity()

    def _remedy(self) -> str:
        paths = [each for each in (self.token_file, self.certificate) if isinstance(each, Path)]
        where = sanitize(str(paths[0]), limit=200) if paths else "the kubeconfig"
        known = self.token or self.user or paths or self.certificate
        return f"renew the credentials in {where}" if known else "give the context a user"

    def _authorization(self) -> tuple[tuple[str, str], ...]:
        token = self.token
        if not token and self.token_file is not None:
            token = content(self.token_file).decode("utf-8", "replace").strip()
        if token:
            return (bearer(token),)
        if self.user is None:
            return ()
        encoded = base64.b64encode(":".join(self.user).encode()).decode("ascii")
        hide(self.user[1])
        hide(encoded)
        return (("Authorization", f"Basic {encoded}"),)


def bearer(token: str) -> tuple[str, str]:
    """The header of a token, which is shown nowhere from now on. Raises ClusterError."""
    if not token.isascii() or not token.isprintable() or " " in token:
        raise unusable("a token holds what no token can", "write it again")
    hide(token)
    return "Authorization", f"Bearer {token}"


def content(source: bytes | Path) -> bytes:
    """What is written, or what the file holds. Raises ClusterError."""
    if isinstance(source, bytes):
        return source
    try:
        return durable.read(source, _LIMIT, follow=True)
    except OSError as error:
        shown = sanitize(str(source), limit=200)
        why = os.strerror(error.errno) if error.errno else "failed"
        raise unusable(f"cannot read {shown}: {why}", "look at the kubeconfig") from None
