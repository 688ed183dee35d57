"""A fault in one line."""

import pytest

from opsconsole.model.fault import Fault, FaultKind


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(FaultKind.TIMEOUT, "no answer", phase="dns"), "timeout (dns): no answer"),
        (Fault(FaultKind.DNS, "no answer", phase="dns"), "dns: no answer"),
        (Fault(FaultKind.CONNECT, "refused"), "connect: refused"),
        (Fault(FaultKind.TLS, "", phase="tls"), "tls"),
    ],
)
def test_what_it_is_is_said_once(fault: Fault, said: str) -> None:
    assert str(fault) == said
