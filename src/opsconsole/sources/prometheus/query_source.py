"""A Prometheus-compatible server that is asked queries through prometheus-api-client.

Invariant: a query gives a vector or a classified fault, within the session's deadline; the
client never retries and is made once for each thread.
"""

import math
from typing import TYPE_CHECKING, Final, TypeVar

from opsconsole.model.fault import Fault
from opsconsole.sources.metrics.declared import Vector
from opsconsole.sources.prometheus.api_source import ApiSource
from opsconsole.sources.prometheus.guarded_session import classify, classify_status
from opsconsole.sources.prometheus.promql import read_vector

if TYPE_CHECKING:
    from prometheus_api_client.prometheus_connect import PrometheusConnect

T = TypeVar("T")

_STATUS_PREFIX: Final = "HTTP Status Code "


class QuerySource(ApiSource[T]):
    """What the sources that query a Prometheus have in common. Blocking: on the executor."""

    def _ask(self, promql: str, moment: float | None = None) -> Vector | Fault:
        """The vector of a query at ``moment`` (Unix seconds), at present unless one is given.

        What is not a finite number is left out.
        """
        from prometheus_api_client.exceptions import PrometheusApiClientException

        try:
            at = {} if moment is None else {"time": f"{moment:.3f}"}
            return read_vector(self._connect().custom_query(promql, params=at))
        except PrometheusApiClientException as error:
            return self._api_fault(str(error))
        except Exception as error:  # noqa: BLE001 - the boundary: every failure is classified
            return classify(error, self._url)

    def _api_fault(self, text: str) -> Fault:
        """Read ``HTTP Status Code 400 (b'…')``, the client's only form of an API error."""
        code, _, body = text.removeprefix(_STATUS_PREFIX).partition(" ")
        raw = body.strip("()").removeprefix("b").strip("'\"")
        status = int(code) if code.isdigit() else 0
        return classify_status(status, raw.encode("utf-8", "replace"), self.endpoint)

    def _connect(self) -> "PrometheusConnect":
        if not hasattr(self._local, "client"):
            from prometheus_api_client.prometheus_connect import PrometheusConnect
            from urllib3.util.retry import Retry

            self._local.client = PrometheusConnect(
                url=self._url,
                session=self._session(),
                retry=Retry(total=0),
                timeout=math.ceil(self._timeout),
            )
        client: PrometheusConnect = self._local.client
        return client
