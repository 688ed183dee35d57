"""A mail for each message, by SMTP.

Invariant: a mail is sent by its deadline or a fault; a connection that is to be protected is, with
the server's certificate verified, before a password is sent. ``Message-ID`` is made of the
message's id, which is the same whenever it is sent again: mail that arrives twice is one mail. No
header holds a line break.
"""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Final

from opsconsole.config.http import TlsConfig
from opsconsole.config.notify import Mail
from opsconsole.config.secrets.references import reveal
from opsconsole.errors import SecretError
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.notices import Message
from opsconsole.sources.http.tls import explain, verifying
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.text import sanitize
from opsconsole.threads import BoundedExecutor, QueueFullError, fault_of
from opsconsole.watcher.notify.ways.filling import in_text

_SAID: Final = 200
_PROVE: Final = "server is the name in its certificate; ca_file is its authority"


class MailWay:
    """One mail server and those that mail goes to."""

    def __init__(self, mail: Mail, base: Path, threads: BoundedExecutor) -> None:
        self._mail = mail
        self._base = base
        self._threads = threads

    async def send(self, message: Message) -> Fault | None:
        """Send ``message``; None when the server took it for anybody."""
        return await self._within(message)

    async def look(self) -> Fault | None:
        """Whether the server lets this user in; no mail is sent."""
        return await self._within(None)

    async def _within(self, message: Message | None) -> Fault | None:
        timeout = self._mail.timeout
        try:
            return await self._threads.run(self._send, message, deadline=timeout)
        except (TimeoutError, QueueFullError) as error:
            return fault_of(error, sanitize(self._mail.server), timeout)

    async def close(self) -> None:
        """Nothing is held."""

    def _send(self, message: Message | None) -> Fault | None:
        mail = self._mail
        server = sanitize(f"{mail.server}:{mail.port}", limit=_SAID)
        try:
            self._speak(message)
        except SecretError as error:
            return Fault(FaultKind.LOCAL, error.what, hint=error.remedy)
        except smtplib.SMTPAuthenticationError as error:
            said = f"{server} refused the user: code {error.smtp_code}"
            return Fault(FaultKind.AUTH, said, hint="check username and password")
        except smtplib.SMTPServerDisconnected as error:
            late = isinstance(error.__context__, TimeoutError)
            kind = FaultKind.TIMEOUT if late else FaultKind.CONNECT
            return Fault(kind, f"{server}: {_said(error)}")
        except smtplib.SMTPException as error:
            return Fault(FaultKind.PROTOCOL, f"{server}: {_said(error)}")
        except TransportFaultError as error:
            return error.fault
        except ssl.SSLError as error:
            unproven = isinstance(error, ssl.SSLCertVerificationError)
            said = f"{server}: {explain(error, mail.server, (), 0.0)}"
            return Fault(FaultKind.TLS, said, hint=_PROVE if unproven else "")
        except TimeoutError:
            return Fault(FaultKind.TIMEOUT, f"{server} did not answer in {mail.timeout:g} s")
        except OSError as error:
            return Fault(FaultKind.CONNECT, f"{server}: {error.strerror or type(error).__name__}")
        return None

    def _speak(self, message: Message | None) -> None:
        mail = self._mail
        with self._connected() as smtp:
            if mail.username is not None and mail.password is not None:
                secret = reveal(mail.password, base=self._base)
                smtp.login(mail.username, secret.value)
            if message is not None:
                # Who was refused would be refused again, and the others have it.
                smtp.send_message(made(mail, message))

    def _connected(self) -> smtplib.SMTP:
        mail = self._mail
        # Several exchanges of this length fit into the deadline of the whole.
        timeout = mail.timeout / 2
        if mail.security == "none":
            return smtplib.SMTP(mail.server, mail.port, timeout=timeout)
        context = verifying(TlsConfig(ca_file=mail.ca_file), self._base)
        if mail.security == "tls":
            return smtplib.SMTP_SSL(mail.server, mail.port, timeout=timeout, context=context)
        smtp = smtplib.SMTP(mail.server, mail.port, timeout=timeout)
        try:
            smtp.starttls(context=context)
        except BaseException:
            smtp.close()
            raise
        return smtp


def made(mail: Mail, message: Message) -> EmailMessage:
    """``message`` as a mail."""
    written = EmailMessage()
    written["Subject"] = _plain(in_text(mail.subject, message))
    written["From"] = mail.sender
    written["To"] = ", ".join(mail.to)
    written["Date"] = formatdate(usegmt=True)
    written["Message-ID"] = f"<{message.id}@opsconsole.invalid>"
    # What belongs together is shown as one conversation.
    written["References"] = f"<{message.key}@opsconsole.invalid>"
    written["Auto-Submitted"] = "auto-generated"
    written.set_content(f"{message.title}\n\n{message.text}\n")
    return written


def _plain(text: str) -> str:
    """One line that says what it says: no encoded word (RFC 2047), which could hold line breaks."""
    return " ".join(text.replace("=?", "= ?").split())


def _said(error: smtplib.SMTPException) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"all {len(error.recipients)} addresses were refused"
    if isinstance(error, smtplib.SMTPResponseException):
        raw = error.smtp_error
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
        return f"code {error.smtp_code}, {sanitize(text, limit=_SAID)}"
    return sanitize(str(error), limit=_SAID)
