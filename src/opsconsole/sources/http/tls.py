"""TLS contexts from configuration, and what a failed handshake means, in plain words.

Invariant: certificates are verified unless the configuration says otherwise for that target;
nothing here ever falls back to an unverified exchange.
"""

import errno
import os
import re
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from opsconsole import durable
from opsconsole.config.http import TlsConfig
from opsconsole.dataclass import dataclass
from opsconsole.model.certificate import Validity
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
_EXTENSIONS_TAG: Final = 0xA3
_DNS_TAG: Final = 0x82
_IP_TAG: Final = 0x87
_OTHER_NAMES: Final = b"\x55\x1d\x11"
_NAMES: Final = 20
_PARTS: Final = 4096
"""Elements side by side at most: the screen waits while a certificate is read."""

_COMMON_NAME: Final = b"\x55\x04\x03"
_NAME_LIMIT: Final = 80
_LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a file of certificates: those of every authority are a quarter of a megabyte."""

_DER: Final = 2
"""OpenSSL's number of that encoding, as the ssl module's own certificates take it."""


def make_context(tls: TlsConfig, base: Path) -> ssl.SSLContext:
    """Build a context for HTTP; blocks on the disk. File names are relative to ``base``.

    Raises ``TransportFaultError`` (local) when a file cannot be used.
    """
    context = verifying(tls, base)
    context.set_alpn_protocols(["http/1.1"])
    return context


def verifying(tls: TlsConfig, base: Path) -> ssl.SSLContext:
    """The same for any protocol, of which the server hears nothing before it is spoken."""
    try:
        for name in (tls.ca_file, tls.cert_file, tls.key_file):
            if name is not None:
                _check(base / name)
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
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _check(path: Path) -> None:
    """Nothing for a file of certificates or a key; OSError for what OpenSSL would wait for."""
    descriptor = durable.open_file(path, os.O_RDONLY, follow=True)
    try:
        if os.fstat(descriptor).st_size > _LARGEST:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    finally:
        os.close(descriptor)


def _path(name: str | None, base: Path) -> str | None:
    return None if name is None else str(base / name)


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return sanitize(str(reason).lower(), limit=120)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is said of one: whose it is, who signed it, how long it holds, and for which names."""

    subject: str
    issuer: str
    validity: Validity
    names: tuple[str, ...] = ()


def needs_chain(error: ssl.SSLError) -> bool:
    """Whether which certificate is wrong shows in those that the server sends."""
    wanted = {_EXPIRED, *_UNKNOWN_ISSUER}
    return isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in wanted


def explain(error: ssl.SSLError, server_name: str, chain: Sequence[Certificate], now: float) -> str:
    """Say what is wrong, and with which of ``chain``, the certificates that the server sends."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return _handshake_words(error)
    code = error.verify_code
    if code == _EXPIRED:
        return _expired(chain, now)
    if code == _NOT_YET_VALID:
        return "certificate not valid yet; compare the clocks"
    if code in _WRONG_HOST:
        return f"wrong host: the certificate is not for {sanitize(server_name, limit=80)}"
    if code in _SELF_SIGNED:
        return "self-signed certificate"
    if code in _UNKNOWN_ISSUER:
        missing = chain[-1].issuer if chain else ""
        named = f": {missing}" if missing else ""
        return f"certificate of an unknown authority{named}"
    return f"certificate refused: {sanitize(error.verify_message, limit=100)}"


def _expired(chain: Sequence[Certificate], now: float) -> str:
    """The one that ended, by its subject where it is not the server's own."""
    for place, each in enumerate(chain):
        if each.validity.ends < now:
            whose = f"intermediate certificate {each.subject}" if place else "certificate"
            return f"{whose} expired {_age(now - each.validity.ends)} ago"
    above = f" of {chain[-1].issuer}" if chain else ""
    return f"certificate{above} expired"


def hint(error: ssl.SSLError, chain: Sequence[Certificate] = ()) -> str:
    """What to do next about a failed handshake."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return "use http:// if the port is plain" if _is_plain(error) else ""
    if error.verify_code in _UNKNOWN_ISSUER and chain and chain[-1].subject != chain[-1].issuer:
        return "let the server send its intermediate certificates, or set tls_config.ca_file"
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


def read_certificate(der: bytes) -> Certificate | None:
    """What an X.509 certificate says (RFC 5280 §4.1), or None if it is not understood."""
    try:
        certificate = _parts(der)[0]
        to_be_signed = _parts(certificate[1])[0]
        # The version's tag is optional; behind it: serial, algorithm, issuer, validity, subject.
        fields = [value for tag, value in _parts(to_be_signed[1]) if tag != _VERSION_TAG]
        starts, ends = (_asn1_time(value) for _, value in _parts(fields[3])[:2])
        names = _names(_parts(to_be_signed[1]))
        return Certificate(_name(fields[4]), _name(fields[2]), Validity(starts, ends), names)
    except (IndexError, ValueError):
        return None


def shown_by(over_tls: ssl.SSLObject) -> Validity | None:
    """How long the peer's own certificate holds, verified or not; None if not understood."""
    der = over_tls.getpeercert(binary_form=True)
    read = read_certificate(der) if der else None
    return None if read is None else read.validity


def sent_by(over_tls: ssl.SSLObject) -> list[Certificate]:
    """The certificates that the peer sent, its own first; [] where Python does not give them."""
    inner: Any = over_tls._sslobj  # type: ignore[attr-defined]
    try:
        chain = inner.get_unverified_chain() or ()
        read = [read_certificate(each.public_bytes(_DER)) for each in chain]
    except (AttributeError, ValueError):
        return []
    return [each for each in read if each is not None]


def _name(name: bytes) -> str:
    """The common name in a distinguished name, else its last part."""
    found: dict[bytes, str] = {}
    for _tag, relative in _parts(name):
        for _sequence, pair in _parts(relative):
            (_, kind), (_, value) = _parts(pair)[:2]
            found[kind] = sanitize(value.decode("utf-8", "replace"), limit=_NAME_LIMIT)
    return found.get(_COMMON_NAME) or next(reversed(found.values()), "")


def _names(fields: list[tuple[int, bytes]]) -> tuple[str, ...]:
    """The hosts and addresses that it is for (RFC 5280 §4.2.1.6), as far as they are few."""
    found: list[str] = []
    for extensions in (value for tag, value in fields if tag == _EXTENSIONS_TAG):
        for _sequence, extension in _parts(_parts(extensions)[0][1]):
            (_, kind), *_critical, (_, value) = _parts(extension)
            if kind == _OTHER_NAMES:
                for tag, name in _parts(_parts(value)[0][1])[:_NAMES]:
                    if tag == _DNS_TAG:
                        found.append(sanitize(name.decode("utf-8", "replace"), limit=_NAME_LIMIT))
                    elif tag == _IP_TAG and len(name) in {4, 16}:
                        found.append(str(ip_address(name)))
    return tuple(found)


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    """Split DER into its elements: tag and content of each."""
    found: list[tuple[int, bytes]] = []
    place = 0
    while place < len(data):
        if len(found) == _PARTS:
            raise ValueError("too many")
        tag, size = data[place], data[place + 1]
        place += 2
        if size & 0x80:
            start = place
            place += size & 0x7F
            size = int.from_bytes(data[start:place], "big")
        if len(data) - place < size:
            raise ValueError("cut short")
        found.append((tag, data[place : place + size]))
        place += size
    return found


def _asn1_time(raw: bytes) -> float:
    text = raw.decode("ascii")
    if not re.fullmatch(r"(\d{2}|\d{4})\d{10}Z", text):
        raise ValueError("not a time")
    if len(text) == 13:
        text = ("20" if int(text[:2]) < 50 else "19") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
