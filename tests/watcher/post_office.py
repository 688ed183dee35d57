"""A webhook, and a mail server, that remember what they were sent."""

import asyncio
import json
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

PASSWORD: Final = "s3cret-9911"


@dataclass(frozen=True)
class Post:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body, read."""
        return json.loads(self.body)


class Hook(ThreadingHTTPServer):
    """Answers every request with ``code``, and keeps it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hooked)
        self.code = 200
        self.said = b"thank you"
        self.posts: list[Post] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Hooked(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.posts.append(Post(self.command, self.path, headers, body))
        self.send_response(self.server.code)
        self.send_header("Content-Length", str(len(self.server.said)))
        self.end_headers()
        self.wfile.write(self.server.said)

    do_PUT = do_POST  # noqa: N815 - the base's way to name them

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@dataclass
class MailServer:
    """Takes mail, but for ``refused`` addresses. ``logins`` are the users who were let in."""

    refused: tuple[str, ...] = ()
    mails: list[tuple[list[str], str]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - the server's way to name them
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Whether mail for ``address`` is taken."""
        if address in self.refused:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 yes"

    async def handle_DATA(  # noqa: N802 - the server's way to name them
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail."""
        assert isinstance(envelope.content, bytes)
        self.mails.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 kept"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        """Let in who has the one password."""
        user, password = data.login.decode(), data.password.decode()
        if password != PASSWORD:
            return AuthResult(success=False, handled=False)
        self.logins.append(user)
        return AuthResult(success=True)


@contextmanager
def hook() -> Iterator[Hook]:
    """A webhook that is there for a while."""
    with Hook() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@asynccontextmanager
async def mail_server(
    *refused: str, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[MailServer]:
    """A mail server that is there for a while; with ``starttls`` it wants that and a login."""
    office = MailServer(refused)

    def made() -> SMTP:
        return SMTP(
            office,
            hostname="post.test",
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=office.authenticate,
            auth_required=starttls is not None,
            auth_require_tls=tls is None,
        )

    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0, ssl=tls)
    async with server:
        office.port = server.sockets[0].getsockname()[1]
        yield office
