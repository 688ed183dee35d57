"""Whether each Loki answers, and understands what its logs ask for.

Invariant: one question for each log, for one line of the last hour; none is a note alone.
"""

import time
from pathlib import Path
from typing import Final

from opsconsole.config.files.problems import KeyPath
from opsconsole.config.service_log import ServiceLog
from opsconsole.inspection.finding import Finding, Weight, of_fault
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.sources.logs.loki import FIRST_SPAN, page
from opsconsole.sources.logs.stamped_lines import NANO
from opsconsole.sources.prometheus.server_api import ServerApi

_TIMEOUT: Final = 10.0


async def check_loki(
    path: KeyPath, log: ServiceLog, connector: Connector, base: Path
) -> list[Finding]:
    """What is wrong with ``log``, which Loki keeps."""
    api = ServerApi(log.url or "", http=log.http, timeout=_TIMEOUT, connector=connector, base=base)
    now = time.time_ns()
    try:
        lines = await page(
            api, log.loki or "", now - int(FIRST_SPAN * NANO), now, back=True, most=1
        )
    except TransportFaultError as error:
        key = "loki" if error.fault.kind is FaultKind.BAD_QUERY else "url"
        return [of_fault((*path, key), error.fault, Weight.ERROR)]
    finally:
        await api.close()
    if lines:
        return []
    return [Finding((*path, "loki"), Weight.NOTE, "selects no line of the last hour", guessed=True)]
