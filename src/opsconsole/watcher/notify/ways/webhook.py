"""A request for each message.

Invariant: ``Idempotency-Key`` is the message's id, which is the same whenever it is sent again, so
that a receiver can drop what it has.
"""

import json
from pathlib import Path

from opsconsole.config.notify import Webhook
from opsconsole.model.fault import Fault
from opsconsole.model.notices import Message
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.outgoing import Outgoing
from opsconsole.watcher.notify.ways.filling import document, in_json, in_text


class WebhookWay:
    """One webhook."""

    def __init__(self, webhook: Webhook, base: Path, connector: Connector) -> None:
        self._webhook = webhook
        self._outgoing = Outgoing(webhook, base, connector)

    async def send(self, message: Message) -> Fault | None:
        """Send ``message``; None when it was taken."""
        webhook = self._webhook
        if webhook.body is None:
            body = json.dumps(document(message), ensure_ascii=False)
        else:
            filled = in_json if "json" in webhook.content_type.lower() else in_text
            body = filled(webhook.body, message)
        headers = {"Content-Type": webhook.content_type, "Idempotency-Key": message.id}
        return await self._outgoing.send(webhook.method, body.encode("utf-8"), headers)

    async def look(self) -> Fault | None:
        """Whether it can be reached; nothing is sent."""
        return await self._outgoing.look()

    async def close(self) -> None:
        """Close the connection; idempotent."""
        await self._outgoing.close()
