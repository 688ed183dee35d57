"""The receivers of a configuration, ready to be notified.

Invariant: each receiver has the one way that the configuration gives it; all ways of one watcher
share its connector and its threads.
"""

from collections.abc import Callable
from pathlib import Path
from typing import assert_never

from opsconsole.clock import Clock
from opsconsole.config.notify import Mail, Program, Receiver, Webhook, alertmanagers_of
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.operations.state_place import LateJournal
from opsconsole.sources.http.connector import Connector
from opsconsole.threads import BoundedExecutor
from opsconsole.watcher.notify.kept import KeptNotices
from opsconsole.watcher.notify.notifying import Notifying, Way
from opsconsole.watcher.notify.ways.alertmanager import AlertmanagerWay
from opsconsole.watcher.notify.ways.command import CommandWay
from opsconsole.watcher.notify.ways.mail import MailWay
from opsconsole.watcher.notify.ways.webhook import WebhookWay


@dataclass(frozen=True, slots=True)
class Means:
    """What ways are made of. ``threads`` are for what blocks, ``base`` is the configuration's
    folder."""

    base: Path
    connector: Connector
    threads: BoundedExecutor


def way_of(receiver: Receiver, settings: Settings, means: Means) -> Way | AlertmanagerWay:
    """The way to ``receiver``."""
    match receiver.webhook or receiver.command or receiver.mail:
        case Webhook() as webhook:
            return WebhookWay(webhook, means.base, means.connector)
        case Program() as program:
            return CommandWay(program, means.base, means.threads)
        case Mail() as mail:
            return MailWay(mail, means.base, means.threads)
        case None:
            known = tuple(each.name for each in settings.alertmanager)
            wanted = frozenset(alertmanagers_of(receiver, known))
            servers = [each for each in settings.alertmanager if each.name in wanted]
            return AlertmanagerWay(servers, means.base, means.connector)
        case other:
            assert_never(other)


def notifyings(
    settings: Settings,
    means: Means,
    journal: LateJournal,
    state_threads: BoundedExecutor,
    clock: Clock,
    may_send: Callable[[], bool],
) -> tuple[Notifying, ...]:
    """One for each receiver; what was reported to them is in ``journal``."""
    notify = settings.notify
    return tuple(
        Notifying(
            name,
            notify,
            receiver,
            way_of(receiver, settings, means),
            KeptNotices(journal, name),
            state_threads,
            clock,
            may_send,
        )
        for name, receiver in notify.receivers.items()
    )
