"""Webhook, command and mail: what arrives, and what is said where it does not."""

import asyncio
import email
import email.policy
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from opsconsole.config.notify import Mail, Program, Webhook
from opsconsole.hiding import hidden
from opsconsole.model.fault import FaultKind
from opsconsole.model.notices import Message, What
from opsconsole.sources.http.connector import Connector
from opsconsole.threads import BoundedExecutor
from opsconsole.watcher.notify.ways.command import CommandWay
from opsconsole.watcher.notify.ways.mail import MailWay, made
from opsconsole.watcher.notify.ways.webhook import WebhookWay
from tests.watcher.post_office import PASSWORD, hook, mail_server

MESSAGE = Message(
    "e1-new", "e1", What.NEW, "down: db: refused", "since 02:00Z\nacts: nobody",
    "critical", "db", "prod", 1_700_000_000.0, 12,
)  # fmt: skip


@pytest.fixture
async def connector() -> AsyncIterator[Connector]:
    found = Connector()
    yield found
    await found.close()


@pytest.fixture
async def threads() -> AsyncIterator[BoundedExecutor]:
    found = BoundedExecutor("ways", 2)
    yield found
    found.close()


def webhook(**more: object) -> Webhook:
    return Webhook.model_validate(more)


async def test_a_webhook_gets_all_that_is_known(connector: Connector, tmp_path: Path) -> None:
    with hook() as server:
        way = WebhookWay(webhook(url=f"{server.url}/x?a=1"), tmp_path, connector)
        assert await way.send(MESSAGE) is None
        await way.close()
    (post,) = server.posts
    assert (post.method, post.path) == ("POST", "/x?a=1")
    assert post.headers["idempotency-key"] == "e1-new"
    assert post.headers["content-type"] == "application/json"
    assert post.json == {
        "version": 1, "id": "e1-new", "key": "e1", "status": "new", "title": "down: db: refused",
        "text": "since 02:00Z\nacts: nobody", "severity": "critical", "service": "db",
        "environment": "prod", "since": "2023-11-14T22:13:20.000Z", "folded": 12,
    }  # fmt: skip


async def test_a_webhook_gets_the_body_that_was_written(
    connector: Connector, tmp_path: Path
) -> None:
    with hook() as server:
        body = '{"text": "{title}\\n{text}"}'
        for more in ({"body": body}, {"body": "{title}", "content_type": "text/plain"}):
            way = WebhookWay(webhook(url=server.url, method="PUT", **more), tmp_path, connector)
            assert await way.send(MESSAGE) is None
            await way.close()
    assert [each.method for each in server.posts] == ["PUT", "PUT"]
    assert server.posts[0].json == {"text": f"{MESSAGE.title}\n{MESSAGE.text}"}
    assert server.posts[1].body == MESSAGE.title.encode()


@pytest.mark.parametrize(
    ("code", "kind"),
    [(500, FaultKind.STATUS), (429, FaultKind.OVERLOADED), (302, FaultKind.STATUS)],
)
async def test_what_a_webhook_says_is_the_fault(
    connector: Connector, tmp_path: Path, code: int, kind: FaultKind
) -> None:
    with hook() as server:
        server.code, server.said = code, b"no \x1b[31mchannel\nmore"
        way = WebhookWay(webhook(url=server.url), tmp_path, connector)
        fault = await way.send(MESSAGE)
        await way.close()
    assert fault is not None
    assert fault.kind is kind
    assert f"HTTP {code}, no " in fault.message
    assert "\x1b" not in fault.message
    assert len(server.posts) == 1


async def test_an_address_that_is_a_secret_is_shown_nowhere(
    connector: Connector, tmp_path: Path
) -> None:
    secret = tmp_path / "url"
    with hook() as server:
        secret.write_text(f"{server.url}/T0KENXYZ981/hook\n")
        secret.chmod(0o600)
        place = webhook(url_from={"file": "url"}, timeout="2s")
        way = WebhookWay(place, tmp_path, connector)
        assert await way.send(MESSAGE) is None
        server.code, server.said = 404, f"no {server.url}/T0KENXYZ981/hook".encode()
        fault = await way.send(MESSAGE)
        await way.close()
    assert server.posts[0].path == "/T0KENXYZ981/hook"
    assert fault is not None
    assert "T0KENXYZ981" not in str(fault)
    assert "T0KENXYZ981" not in hidden(f"see {server.url}/T0KENXYZ981/hook")
    secret.write_text("no address")
    again = Connector()
    fault = await WebhookWay(place, tmp_path, again).send(MESSAGE)
    await again.close()
    assert fault is not None
    assert "no URL" in fault.message


async def test_a_program_reads_the_text_and_knows_the_rest(
    tmp_path: Path, threads: BoundedExecutor
) -> None:
    script = tmp_path / "notify"
    script.write_text(
        '#!/bin/sh\nprintf "%s|" "$@" "$OPSCONSOLE_ID" "$OPSCONSOLE_STATUS" >out\ncat >>out\n'
    )
    script.chmod(0o700)
    program = Program.model_validate(
        {"argv": ["./notify", "--title={title}", "{service}", "$(id)"]}
    )
    assert await CommandWay(program, tmp_path, threads).send(MESSAGE) is None
    assert (tmp_path / "out").read_text() == (
        f"--title={MESSAGE.title}|db|$(id)|e1-new|new|{MESSAGE.title}\n\n{MESSAGE.text}\n"
    )


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("#!/bin/sh\necho no luck >&2\nexit 3\n", "ended with 3: no luck"),
        ("#!/bin/sh\nsleep 60\n", "did not end in 0.3 s"),
        ("", "cannot run"),
    ],
)
async def test_a_program_that_fails_says_how(
    tmp_path: Path, threads: BoundedExecutor, script: str, said: str
) -> None:
    path = tmp_path / "notify"
    if script:
        path.write_text(script)
        path.chmod(0o700)
    program = Program.model_validate({"argv": [str(path)], "timeout": "300ms"})
    fault = await CommandWay(program, tmp_path, threads).send(MESSAGE)
    assert fault is not None
    assert said in fault.message


async def test_a_program_that_others_could_change_is_not_run(
    tmp_path: Path, threads: BoundedExecutor
) -> None:
    path = tmp_path / "notify"
    path.write_text("#!/bin/sh\ntouch ran\n")
    path.chmod(0o777)
    program = Program.model_validate({"argv": [str(path)]})
    fault = await CommandWay(program, tmp_path, threads).send(MESSAGE)
    assert fault is not None
    assert "others" in fault.message
    assert not (tmp_path / "ran").exists()


def mail(port: int, **more: object) -> Mail:
    plain = {"server": "127.0.0.1", "port": port, "security": "none", "sender": "ops@b.test"}
    return Mail.model_validate({**plain, "to": ["kim@b.test", "lee@b.test"], **more})


async def test_a_mail_goes_to_everybody(tmp_path: Path, threads: BoundedExecutor) -> None:
    async with mail_server() as office:
        assert await MailWay(mail(office.port), tmp_path, threads).send(MESSAGE) is None
    ((to, raw),) = office.mails
    assert to == ["kim@b.test", "lee@b.test"]
    read = email.message_from_string(raw, policy=email.policy.default)
    assert read["Subject"] == MESSAGE.title
    assert read["Message-ID"] == "<e1-new@opsconsole.invalid>"
    assert read["References"] == "<e1@opsconsole.invalid>"
    assert "acts: nobody" in read.get_content()


@pytest.mark.parametrize(
    "title",
    [
        "a\r\nBcc: x@b.test",
        "=?utf-8?q?=0d=0aX-Evil:_1=0d=0a=0d=0aclick_here?=",
        "=?utf-8?b?DQpYLUV2aWw6IDE=?=",
        "==??utf-8?q?=0aX-Evil:_1?= =?utf-8?q?=0a=0ahello?=",
        "é" * 300 + " =?utf-8?q?=0d=0aX-Evil:_1?=",
    ],
)
def test_no_title_adds_a_header_or_begins_the_text(title: str) -> None:
    plain = email.message_from_bytes(made(mail(25), MESSAGE).as_bytes())
    read = email.message_from_bytes(made(mail(25), replace(MESSAGE, title=title)).as_bytes())
    names = {*plain.keys(), "Content-Transfer-Encoding"}
    assert set(read.keys()) <= names
    assert len(read.keys()) == len(plain.keys())
    assert read["Subject"].strip()


async def test_mail_that_does_not_arrive_is_a_fault_in_time(
    tmp_path: Path, threads: BoundedExecutor
) -> None:
    async with mail_server("kim@b.test", "lee@b.test") as office:
        fault = await MailWay(mail(office.port), tmp_path, threads).send(MESSAGE)
        assert fault is not None
        assert "all 2 addresses were refused" in fault.message
    async with mail_server("lee@b.test") as office:
        # It is not sent again to who has it.
        assert await MailWay(mail(office.port), tmp_path, threads).send(MESSAGE) is None
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        way = MailWay(mail(port, timeout="400ms"), tmp_path, threads)
        async with asyncio.timeout(60):
            fault = await way.send(MESSAGE)
        assert fault is not None
        assert fault.kind is FaultKind.TIMEOUT
    fault = await MailWay(mail(port), tmp_path, threads).send(MESSAGE)
    assert fault is not None
    assert fault.kind is FaultKind.CONNECT


class _Protected:
    """A mail server's certificate, of an authority that is trusted where ``ca_file`` names it."""

    def __init__(self, folder: Path, name: str = "127.0.0.1") -> None:
        authority = trustme.CA()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(self.context)
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))

    @staticmethod
    def mail(port: int, folder: Path, **more: object) -> Mail:
        """How it is reached, with the password in a file."""
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o600)
        by = {"username": "ops", "password": {"file": "password"}, "security": "starttls"}
        return mail(port, **{"ca_file": "ca.pem", **by, **more})


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_over_a_protected_line_is_sent_by_who_logs_in(
    tmp_path: Path, threads: BoundedExecutor, security: str
) -> None:
    server = _Protected(tmp_path)
    async with mail_server(**{security: server.context}) as office:
        way = MailWay(server.mail(office.port, tmp_path, security=security), tmp_path, threads)
        assert await way.send(MESSAGE) is None
    assert office.logins == ["ops"]
    assert [to for to, _ in office.mails] == [["kim@b.test", "lee@b.test"]]


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("127.0.0.1", {"ca_file": None}, "certificate of an unknown authority"),
        ("mail.test", {}, "wrong host: the certificate is not for 127.0.0.1"),
        ("127.0.0.1", {"ca_file": "no.pem"}, "TLS files cannot be used (no.pem)"),
    ],
)
async def test_a_certificate_that_proves_nothing_gets_no_password(
    tmp_path: Path,
    threads: BoundedExecutor,
    security: str,
    name: str,
    more: dict[str, object],
    said: str,
) -> None:
    server = _Protected(tmp_path, name)
    async with mail_server(**{security: server.context}) as office:
        asked = server.mail(office.port, tmp_path, security=security, **more)
        fault = await MailWay(asked, tmp_path, threads).send(MESSAGE)
    assert fault is not None
    assert said in fault.message
    assert (office.logins, office.mails) == ([], [])


async def test_a_user_who_is_not_let_in_is_named_and_the_password_is_not(
    tmp_path: Path, threads: BoundedExecutor
) -> None:
    server = _Protected(tmp_path)
    async with mail_server(starttls=server.context) as office:
        asked = server.mail(office.port, tmp_path)
        (tmp_path / "password").write_text("an0ther-one")
        fault = await MailWay(asked, tmp_path, threads).send(MESSAGE)
        assert fault is not None
        assert fault.kind is FaultKind.AUTH
        assert "an0ther" not in f"{fault}{fault.message}"
        (tmp_path / "password").unlink()
        fault = await MailWay(asked, tmp_path, threads).send(MESSAGE)
        assert fault is not None
        assert fault.kind is FaultKind.LOCAL
    assert office.mails == []


async def test_no_password_goes_over_a_line_that_is_not_protected(
    tmp_path: Path, threads: BoundedExecutor
) -> None:
    with pytest.raises(ValueError, match="starttls or tls alone"):
        _Protected.mail(25, tmp_path, security="none")
    async with mail_server() as office:
        # A server, or who stands between, that does not offer what was asked for.
        asked = _Protected.mail(office.port, tmp_path, ca_file=None)
        fault = await MailWay(asked, tmp_path, threads).send(MESSAGE)
    assert fault is not None
    assert "STARTTLS" in fault.message
    assert (office.logins, office.mails) == ([], [])


def test_no_header_of_a_mail_holds_a_line_break() -> None:
    hostile = Message("i", "k", What.NEW, "down: a\r\nBcc: all@b.test", "text", "critical")
    written = made(mail(25), hostile)
    assert written["Bcc"] is None
    assert written["Subject"] == "down: a Bcc: all@b.test"
