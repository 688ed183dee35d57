"""``opsconsole notify test``: whether those whom ``watch`` notifies can be reached.

Invariant: each receiver gets one message that says it is a test, and one line says what became of
it; 1 if one was not reached. Nothing is kept of it, and no secret is printed.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping

from opsconsole.cli.configuration import Configuration, from_arguments
from opsconsole.clock import SystemClock
from opsconsole.config.notify import Receiver
from opsconsole.errors import OpsconsoleError
from opsconsole.model.alerting.alerts import Severity
from opsconsole.model.fault import Fault
from opsconsole.model.notices import Episode, Member
from opsconsole.render.notices import test_message
from opsconsole.sources.http.connector import Connector
from opsconsole.text import sanitize
from opsconsole.threads import BoundedExecutor
from opsconsole.watcher.notify.receivers import Means, way_of
from opsconsole.watcher.notify.ways.alertmanager import AlertmanagerWay, pushed


def run(arguments: argparse.Namespace) -> int:
    """Send to each receiver; 1 if one was not reached."""
    configuration = from_arguments(arguments)
    known = configuration.settings.notify.receivers
    unknown = [each for each in arguments.receivers if each not in known]
    if unknown:
        raise OpsconsoleError(
            f"no receiver is called {sanitize(unknown[0], limit=80)}",
            remedy=f"there are: {', '.join(known)}" if known else "",
        )
    if not known:
        raise OpsconsoleError(
            "nobody is notified of anything", remedy="write notify: receivers: in the configuration"
        )
    wanted = {name: known[name] for name in arguments.receivers or known}
    results = asyncio.run(_send(configuration, wanted))
    for name, fault in results.items():
        if fault is None:
            print(f"{name}: taken")
        else:
            hint = f"; {fault.hint}" if fault.hint else ""
            print(f"{name}: not reached: {fault}{hint}", file=sys.stderr)
    return int(any(fault is not None for fault in results.values()))


async def _send(
    configuration: Configuration, wanted: Mapping[str, Receiver]
) -> dict[str, Fault | None]:
    threads = BoundedExecutor("notify", 4)
    connector = Connector()
    means = Means(configuration.base, connector, threads)
    try:
        faults = await asyncio.gather(
            *(_reach(each, configuration, means) for each in wanted.values())
        )
    finally:
        threads.close()
        await connector.close()
    return dict(zip(wanted, faults, strict=True))


async def _reach(receiver: Receiver, configuration: Configuration, means: Means) -> Fault | None:
    now = SystemClock().now()
    environment = configuration.settings.environment.name
    message = test_message(environment, f"test-{int(now)}")
    way = way_of(receiver, configuration.settings, means)
    try:
        if not isinstance(way, AlertmanagerWay):
            return await way.send(message)
        # One alert that is over a moment later by itself.
        member = Member(message.id, "OpsconsoleTest", Severity.INFO, now - 1.0)
        episode = Episode(message.id, (member,), now)
        faults = await way.push(tuple(pushed([episode], {episode.id: message}, environment, now)))
        return next((fault for fault in faults.values() if fault is not None), None)
    finally:
        await way.close()
