"""Drills on real TLS servers whose certificates end: the row says it before and after."""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trustme

from opsconsole.config.settings import Settings
from opsconsole.engine.engine import Engine
from opsconsole.model.diagnosis import FactCode
from opsconsole.model.events import EventCode
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State
from opsconsole.render.json.status import status_document
from opsconsole.render.service.why import why
from tests.patience import soon
from tests.sources.local_http import Said, Server, listening

RULE = {"name": "CertificateEnds", "when": "cert_days < 5"}


class Drill:
    """Servers of certificates that last as they are told, and a console that looks at them."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._authority = trustme.CA()
        self._authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        self._services: dict[str, Any] = {}

    async def serve(self, name: str, lasts: timedelta | None, **tls_config: Any) -> None:
        """Without ``lasts`` it serves no TLS."""
        tls = None
        if lasts is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            ends = datetime.now(UTC) + lasts
            self._authority.issue_cert("127.0.0.1", not_after=ends).configure_cert(tls)
        server = Server(lambda _asked: Said(b'{"status": "healthy"}'))
        url = await self._stack.enter_async_context(listening(server, tls))
        self._services[name] = {
            "instances": [url],
            "interval": "1s",
            "thresholds": {"failures": 2},
            "http": {"tls_config": tls_config or {"ca_file": "ca.pem"}},
            "alerts": [RULE],
        }

    def look(self) -> Engine:
        settings = Settings.model_validate(
            {"host": {"enabled": False}, "docker": [], "services": self._services}
        )
        engine = Engine(settings, base=self._folder)
        engine.start()
        self._stack.push_async_callback(asyncio.to_thread, engine.stop)
        return engine


def seen(engine: Engine, name: str) -> ServiceView:
    found = engine.latest.service(name)
    assert found is not None
    return found


async def test_what_ends_soon_is_on_the_row_on_the_timeline_and_in_rules(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        drill = Drill(tmp_path, stack)
        await drill.serve("soon", timedelta(days=6, hours=1))
        await drill.serve("sooner", timedelta(days=2, hours=1), insecure_skip_verify=True)
        await drill.serve("ended", timedelta(days=-2, hours=-1), insecure_skip_verify=True)
        await drill.serve("later", timedelta(days=60))
        await drill.serve("plain", None)
        engine = drill.look()
        await soon(lambda: all(each.state is State.OK for each in engine.latest.services))
        await soon(lambda: seen(engine, "ended").diagnosis.lead)
        rows = {each.name: why(each, 50) for each in engine.latest.services}
        leads = {each.name: each.diagnosis.lead for each in engine.latest.services}
        firing = {each.service for each in engine.latest.alerts}
        told = {
            each.service: each.figure
            for each in engine.latest.events
            if each.code is EventCode.CERTIFICATE_ENDS
        }
        now = engine.latest.taken_at
        document = json.loads(
            json.dumps(status_document(engine.latest, engine.latest.services, now))
        )
    assert rows["soon"] == "certificate ends in 6 days"
    assert leads["soon"] is not None
    assert leads["soon"].code is FactCode.CERTIFICATE_ENDS
    assert leads["later"] is leads["plain"] is None
    assert {rows["later"], rows["plain"]} == {""}
    assert {rows["sooner"], rows["ended"]} == {"CertificateEnds fires, cert_days < 5"}
    assert firing == {"sooner", "ended"}
    assert told == {"soon": 7.0, "sooner": 3.0}
    days = {each["name"]: each["cert_days"] for each in document["services"]}
    assert {name: day and round(day) for name, day in days.items()} == {
        "soon": 6, "sooner": 2, "ended": -2, "later": 60, "plain": None,
    }  # fmt: skip


async def test_one_that_ends_while_it_is_watched_is_the_cause_within_two_looks(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as stack:
        drill = Drill(tmp_path, stack)
        await drill.serve("web", timedelta(seconds=4))
        engine = drill.look()
        # Two failures in a row make it down, so that nothing but the second look decides it.
        await soon(lambda: seen(engine, "web").state is State.DOWN)
        await soon(lambda: seen(engine, "web").diagnosis.lead)
        service = seen(engine, "web")
    assert why(service, 50) == "certificate expired 1 min ago"
    lead = service.diagnosis.lead
    assert lead is not None
    assert lead.code is FactCode.CERTIFICATE
    shown = service.certificate(engine.latest.taken_at)
    assert shown is not None
    assert shown.validity.left(engine.latest.taken_at) < 0
