"""TLS contexts from configuration, and what a failed handshake means, in plain words.

Invariant: certificates are verified unless the configuration says otherwise for that target;
nothing here ever falls back to an unverified exchange.
"""

import re
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from opsconsole.config.http import TlsConfig
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.text import sanitize

_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_SELF_SIGNED: Final = frozenset({18, 19})
_UNKNOWN_ISSUER: Final = frozenset({2, 20, 21})
_WRONG_HOST: Final = frozenset({62, 64})
_MINIMUM: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_VERSION_TAG: Final = 0xA0
_DAY: Final = 86400.0


def make_context(tls: TlsConfig, base: Path) -> ssl.SSLContext:
    """Build a context; blocks on the disk. File names are relative to ``base``.

    Raises ``TransportFaultError`` (local) when a file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=_path(tls.ca_file, base))
        if tls.cert_file is not None:
            # The callback keeps OpenSSL from asking for a pass phrase on the terminal.
            context.load_cert_chain(
                base / tls.cert_file, _path(tls.key_file, base), password=lambda: ""
            )
    except (OSError, ValueError) as error:
        files = [file for file in (tls.ca_file, tls.cert_file, tls.key_file) if file]
        raise TransportFaultError(
            FaultKind.LOCAL,
            f"TLS files cannot be used ({', '.join(files)}): {_why(error)}",
            hint="look at tls_config",
        ) from None
    context.minimum_version = _MINIMUM[tls.min_version]
    context.set_alpn_protocols(["http/1.1"])
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _path(name: str | None, base: Path) -> str | None:
    return None if name is None else str(base / name)


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return sanitize(str(reason).lower(), limit=120)


def is_expired(error: ssl.SSLError) -> bool:
    """Whether verification failed because the certificate's time is over."""
    return isinstance(error, ssl.SSLCertVerificationError) and error.verify_code == _EXPIRED


def explain(error: ssl.SSLError, server_name: str, expired_for: float | None) -> str:
    """Say what is wrong. ``expired_for`` is in seconds, where it could be found out."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return _handshake_words(error)
    code = error.verify_code
    if code == _EXPIRED:
        ago = f" {_age(expired_for)} ago" if expired_for is not None else ""
        return f"certificate expired{ago}"
    if code == _NOT_YET_VALID:
        return "certificate not valid yet; compare the clocks"
    if code in _WRONG_HOST:
        return f"wrong host: the certificate is not for {sanitize(server_name, limit=80)}"
    if code in _SELF_SIGNED:
        return "self-signed certificate"
    if code in _UNKNOWN_ISSUER:
        return "certificate of an unknown authority"
    return f"certificate refused: {sanitize(error.verify_message, limit=100)}"


def hint(error: ssl.SSLError) -> str:
    """What to do next about a failed handshake."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return "use http:// if the port is plain" if _is_plain(error) else ""
    if error.verify_code in _SELF_SIGNED | _UNKNOWN_ISSUER:
        return "set tls_config.ca_file to its authority"
    if error.verify_code in _WRONG_HOST:
        return "set tls_config.server_name"
    return "renew the certificate" if error.verify_code == _EXPIRED else ""


def _is_plain(error: ssl.SSLError) -> bool:
    return (error.reason or "") in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"}


def _handshake_words(error: ssl.SSLError) -> str:
    if _is_plain(error):
        return "the port does not speak TLS"
    if isinstance(error, ssl.SSLEOFError):
        return "closed during the TLS handshake"
    reason = (error.reason or "handshake failed").lower().replace("_", " ")
    return f"handshake failed: {sanitize(reason, limit=100)}"


def _age(seconds: float) -> str:
    if seconds >= _DAY:
        return f"{int(seconds // _DAY)} d"
    return f"{int(seconds // 3600)} h" if seconds >= 3600 else f"{max(1, int(seconds // 60))} min"


def not_after(der: bytes) -> float | None:
    """Unix time at which an X.509 certificate ends (RFC 5280 §4.1), or None if not understood."""
    try:
        certificate = _parts(der)[0]
        to_be_signed = _parts(certificate[1])[0]
        # The version's tag is optional; behind it: serial, algorithm, issuer, validity.
        fields = [value for tag, value in _parts(to_be_signed[1]) if tag != _VERSION_TAG]
        return _asn1_time(_parts(fields[3])[1][1])
    except (IndexError, ValueError):
        return None


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    """Split DER into its elements: tag and content of each."""
    found: list[tuple[int, bytes]] = []
    while data:
        tag, size, start = data[0], data[1], 2
        if size & 0x80:
            start = 2 + (size & 0x7F)
            size = int.from_bytes(data[2:start], "big")
        if len(data) < start + size:
            raise ValueError("cut short")
        found.append((tag, data[start : start + size]))
        data = data[start + size :]
    return found


def _asn1_time(raw: bytes) -> float:
    text = raw.decode("ascii")
    if not re.fullmatch(r"(\d{2}|\d{4})\d{10}Z", text):
        raise ValueError("not a time")
    if len(text) == 13:
        text = ("20" if int(text[:2]) < 50 else "19") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
