"""Why a cluster gave no answer, as an exception that carries a classified fault.

Invariant: the text is sanitised and free of secrets; what is judged is the fault's kind, the code
of HTTP and Kubernetes' own reason, never a sentence.
"""

from collections.abc import Mapping
from typing import Final

from opsconsole.errors import OpsconsoleError
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.text import sanitize

_MOST_WAIT: Final = 300.0
_KINDS: Final = {
    400: FaultKind.BAD_QUERY,
    401: FaultKind.AUTH,
    403: FaultKind.PERMISSION,
    404: FaultKind.ABSENT,
    406: FaultKind.UNSUPPORTED,
    422: FaultKind.BAD_QUERY,
    429: FaultKind.OVERLOADED,
}


class ClusterError(OpsconsoleError):
    """``status`` is the code of HTTP where one was read, ``reason`` that of Kubernetes' ``Status``.

    A reason is one of ``metav1.StatusReason``: NotFound, Conflict, Expired, Forbidden, ….
    ``said`` is what the server said besides: ``Status.details``.
    """

    def __init__(
        self, fault: Fault, *, reason: str = "", said: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(fault.message, remedy=fault.hint)
        self.fault = fault
        self.status = fault.status
        self.reason = reason
        self.said = said or {}


def unusable(message: str, hint: str = "", kind: FaultKind = FaultKind.LOCAL) -> ClusterError:
    """The error of what is wrong here, before anything was asked."""
    return ClusterError(Fault(kind, message, hint))


def refused(
    status: int, answer: object, retry_after: str = "", *, peer: str = "", remedy: str = ""
) -> ClusterError:
    """The error of an answer that is no success; ``answer`` is its JSON, if it was any.

    ``remedy`` is what to do where it is the credentials that are refused. The answer is a
    ``metav1.Status``, in the body or within an event of a watch.
    """
    found: Mapping[str, object] = answer if isinstance(answer, dict) else {}
    reason = _text(found.get("reason"), 60)
    message = _text(found.get("message"), 500)
    details = found.get("details")
    said: Mapping[str, object] = details if isinstance(details, dict) else {}
    kind = _KINDS.get(status, FaultKind.STATUS)
    hint = ""
    if 300 <= status <= 399:
        kind, message = FaultKind.PROTOCOL, f"redirects ({status}), which is not followed"
        hint = "write the address that it leads to in the kubeconfig"
    elif kind is FaultKind.PERMISSION:
        hint = "ask for the right, or look at fewer namespaces"
    elif kind is FaultKind.AUTH:
        hint = remedy or "renew the credentials"
    what = message or f"HTTP {status} {reason}".rstrip()
    fault = Fault(
        kind,
        f"{peer}: {what}" if peer else what,
        hint,
        status=status,
        retry_after=_seconds(retry_after) or _seconds(said.get("retryAfterSeconds")),
    )
    return ClusterError(fault, reason=reason, said=said)


def _text(value: object, limit: int) -> str:
    return sanitize(value, limit=limit) if isinstance(value, str) else ""


def _seconds(value: object) -> float:
    """Of ``Retry-After`` in seconds, which is all that an API server sends."""
    text = str(value).strip() if isinstance(value, str | int) else ""
    return min(float(text), _MOST_WAIT) if text.isascii() and text.isdigit() else 0.0
