"""Whether those who are to be notified, and to hear a heartbeat, can be reached, for ``check``.

Invariant: nobody gets a message: an address is connected to, a mail server logged in to, a program
looked for. Alertmanagers are looked at where they are configured.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

from opsconsole.config.files.problems import KeyPath
from opsconsole.config.notify import Receiver
from opsconsole.config.settings import Settings
from opsconsole.inspection.finding import Finding, Weight, listed, nearest, of_fault, shown
from opsconsole.model.fault import Fault
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.outgoing import Outgoing
from opsconsole.threads import BoundedExecutor
from opsconsole.watcher.notify.ways.command import CommandWay
from opsconsole.watcher.notify.ways.mail import MailWay
from opsconsole.watcher.notify.ways.webhook import WebhookWay

_Look = Coroutine[Any, Any, Fault | None]


def check_notified(settings: Settings, base: Path) -> tuple[Finding, ...]:
    """A finding for each that cannot be reached, and for what a receiver names that is not there.

    ``base`` is the configuration's folder. Runs its own event loop until all were looked at.
    """
    return (*_names(settings), *asyncio.run(_reached(settings, base)))


async def _reached(settings: Settings, base: Path) -> list[Finding]:
    threads, connector = BoundedExecutor("looks", 4), Connector()
    try:
        looks = dict(_looks(settings, base, connector, threads))
        faults = await asyncio.gather(*looks.values())
    finally:
        threads.close()
        await connector.close()
    return [
        of_fault(path, fault, Weight.ERROR)
        for path, fault in zip(looks, faults, strict=True)
        if fault is not None
    ]


def _looks(
    settings: Settings, base: Path, connector: Connector, threads: BoundedExecutor
) -> Iterator[tuple[KeyPath, _Look]]:
    for name, each in settings.notify.receivers.items():
        path: KeyPath = ("notify", "receivers", name)
        if each.webhook is not None:
            yield (*path, "webhook"), WebhookWay(each.webhook, base, connector).look()
        if each.command is not None:
            yield (*path, "command"), CommandWay(each.command, base, threads).look()
        if each.mail is not None:
            yield (*path, "mail"), MailWay(each.mail, base, threads).look()
    if settings.heartbeat is not None:
        yield ("heartbeat",), Outgoing(settings.heartbeat, base, connector).look()
    wanted = settings.tell_me
    if wanted.webhook is not None:
        yield ("tell_me", "webhook"), WebhookWay(wanted.webhook, base, connector).look()
    if wanted.command is not None:
        yield ("tell_me", "command"), CommandWay(wanted.command, base, threads).look()


def _names(settings: Settings) -> Iterator[Finding]:
    """Services may be found when it runs, so that what is not declared may be right."""
    teams = {each.team for each in settings.services.values() if each.team}
    for name, receiver in settings.notify.receivers.items():
        path: KeyPath = ("notify", "receivers", name)
        yield from _unknown(path, "services", receiver, set(settings.services), "is called")
        yield from _unknown(path, "teams", receiver, teams, "is of the team")


def _unknown(
    path: KeyPath, key: str, receiver: Receiver, known: set[str], is_: str
) -> Iterator[Finding]:
    named = receiver.services if key == "services" else receiver.teams
    for index, each in enumerate(named):
        if each not in known:
            near = nearest(each, known)
            remedy = f"did you mean {shown(near)!r}?" if near else f"there are {listed(known)}"
            message = f"no service {is_} {shown(each)!r}"
            where = (*path, key, index)
            yield Finding(where, Weight.WARNING, message, remedy if known else "", guessed=True)
