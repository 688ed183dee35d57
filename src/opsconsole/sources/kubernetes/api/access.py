"""How a cluster is reached: where its API server is, who it must be, and as whom it is asked.

Invariant: certificates are verified unless the kubeconfig says otherwise, and then a note says so;
no private key is written to a disk.
"""

import os
import ssl
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from opsconsole import durable
from opsconsole.dataclass import dataclass
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.dial import Origin
from opsconsole.sources.http.tunnel import Proxy
from opsconsole.sources.kubernetes.api.cluster_error import unusable
from opsconsole.sources.kubernetes.api.credentials import Credentials, Identity
from opsconsole.text import sanitize

_CERTIFICATES: Final = 1 << 20
"""Bytes of a file of certificates."""


@dataclass(frozen=True, slots=True)
class Access:
    """One cluster as one user. ``name`` is the configured one; ``namespace`` the context's.

    ``authorities`` are those of the API server's certificate, as PEM or as a file that is read when
    needed; the system's where there are none. ``notes`` are for people. ``reread`` gives what the
    files say by now, None where that is the same; it blocks and raises ClusterError.
    """

    name: str
    server: str
    credentials: Credentials
    context: str = ""
    namespace: str = "default"
    authorities: bytes | Path = b""
    server_name: str = ""
    insecure: bool = False
    proxy: str = ""
    notes: tuple[str, ...] = ()
    reread: "Callable[[], Access | None] | None" = field(default=None, compare=False, repr=False)

    def origin(self) -> Origin:
        """Where to connect. Raises ClusterError."""
        url = _split(self.server, "server")
        tls = url.scheme == "https"
        host = _host(url)
        name = (self.server_name or host) if tls else ""
        port = _port(url) or (443 if tls else 80)
        return Origin(host, port, tls, name, self._proxy())

    def prefix(self) -> str:
        """The path below which the API server answers; mostly ''."""
        return _split(self.server, "server").path.rstrip("/")

    def _proxy(self) -> Proxy | None:
        if not self.proxy:
            return None
        url = _split(self.proxy, "proxy-url")
        if url.scheme != "http":
            message = f"the proxy-url of cluster {self.name} is not http://"
            raise unusable(message, "name a proxy that is asked over http", FaultKind.UNSUPPORTED)
        user = unquote(url.username or ""), unquote(url.password or "")
        return Proxy(_host(url), _port(url) or 80, _basic(*user) if any(user) else b"")


def _basic(user: str, password: str) -> bytes:
    from base64 import b64encode

    return b"Basic " + b64encode(f"{user}:{password}".encode())


def _split(url: str, what: str) -> SplitResult:
    try:
        found = urlsplit(url)
        if found.scheme in {"http", "https"} and found.hostname:
            return found
    except ValueError:
        pass
    shown = sanitize(url.rpartition("@")[2], limit=120)
    raise unusable(f"{what} {shown!r} is no http or https URL", "correct the kubeconfig")


def _host(url: SplitResult) -> str:
    host = url.hostname or ""
    try:
        return host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        shown = sanitize(host, limit=80)
        raise unusable(f"{shown!r} is no name of a host", "correct the kubeconfig") from None


def _port(url: SplitResult) -> int | None:
    try:
        return url.port
    except ValueError:
        raise unusable("a port in the kubeconfig is no number", "correct it") from None


def context_of(access: Access, identity: Identity) -> ssl.SSLContext:
    """The TLS context of ``access`` with the certificate of ``identity``; blocks on the disk.

    Raises ClusterError.
    """
    try:
        context = _trusting(access.authorities)
    except (OSError, ValueError) as error:
        why = sanitize(str(error.strerror or error) if isinstance(error, OSError) else str(error))
        message = f"the authority of cluster {access.name} cannot be used: {why}"
        raise unusable(message, "look at certificate-authority in the kubeconfig") from None
    if identity.certificate is not None:
        try:
            _present(context, *identity.certificate)
        except (OSError, ValueError):
            message = f"the client certificate for cluster {access.name} cannot be used"
            hint = "look at client-certificate and client-key in the kubeconfig"
            raise unusable(message, hint) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if access.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _trusting(authorities: bytes | Path) -> ssl.SSLContext:
    if isinstance(authorities, Path):
        authorities = durable.read(authorities, _CERTIFICATES, follow=True)
    if not authorities:
        return ssl.create_default_context()
    context = ssl.create_default_context(cadata=authorities.decode("ascii", "replace"))
    # As kubectl does: one that is named is trusted, no matter who signed it and what it leaves out.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    return context


def _present(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Take a certificate and its key by a file in memory: OpenSSL takes both by path alone."""
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        durable.write_all(descriptor, certificate.rstrip() + b"\n" + key.rstrip() + b"\n")
        # The callback keeps OpenSSL from asking for a pass phrase on the terminal.
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=lambda: "")
    finally:
        os.close(descriptor)
