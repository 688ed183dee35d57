"""Sends what a person waited to hear to the program and the address that ``tell_me`` names.

Invariant: nothing is sent where nothing is configured; it blocks, and never for longer than the
deadlines of the configuration.
"""

import asyncio
import secrets

from opsconsole.cli.configuration import Configuration
from opsconsole.model.awaited import Answer, Heard
from opsconsole.model.fault import Fault
from opsconsole.model.notices import Message, What
from opsconsole.render.awaited import heard
from opsconsole.sources.http.connector import Connector
from opsconsole.threads import BoundedExecutor
from opsconsole.watcher.notify.ways.command import CommandWay
from opsconsole.watcher.notify.ways.webhook import WebhookWay

_BAD = frozenset({Heard.NOT_DONE, Heard.WRONG})


def send_answer(configuration: Configuration, answer: Answer) -> str:
    """Send it; what went wrong, or ''."""
    wanted = configuration.settings.tell_me
    if wanted.command is None and wanted.webhook is None:
        return ""
    faults = asyncio.run(_send(configuration, _message(configuration, answer)))
    return "; ".join(str(each) for each in faults if each is not None)


def _message(configuration: Configuration, answer: Answer) -> Message:
    said = heard(answer)
    verdict = answer.heard in {Heard.DONE, Heard.NOT_DONE}
    return Message(
        secrets.token_hex(8),
        f"{answer.awaited.kind.value} {answer.awaited.key}",
        What.VERDICT if verdict else What.OVER,
        said,
        answer.why or said,
        "warning" if answer.heard in _BAD else "ok",
        answer.awaited.service,
        configuration.settings.environment.name,
    )


async def _send(configuration: Configuration, message: Message) -> list[Fault | None]:
    wanted, base = configuration.settings.tell_me, configuration.base
    threads, connector = BoundedExecutor("answers", 1), Connector()
    ways: list[CommandWay | WebhookWay] = []
    if wanted.command is not None:
        ways.append(CommandWay(wanted.command, base, threads))
    if wanted.webhook is not None:
        ways.append(WebhookWay(wanted.webhook, base, connector))
    try:
        return [await each.send(message) for each in ways]
    finally:
        for way in ways:
            await way.close()
        threads.close()
        await connector.close()
