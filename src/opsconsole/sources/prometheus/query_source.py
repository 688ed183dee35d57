"""A Prometheus-compatible server that is asked queries through prometheus-api-client.

Invariant: a query gives a vector or a classified fault, within the call's deadline. The client
writes the call and takes the answer apart; asking is our own transport's, which raises for
whatever is not a success.
"""

from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from opsconsole.model.fault import Fault
from opsconsole.model.observations import Observation
from opsconsole.sources.metrics.declared import Vector
from opsconsole.sources.prometheus.api_source import ApiSource
from opsconsole.sources.prometheus.promql import read_vector
from opsconsole.sources.prometheus.server_api import fault_of_answer

if TYPE_CHECKING:
    from prometheus_api_client.prometheus_connect import PrometheusConnect

T = TypeVar("T", bound=Observation)


class QuerySource(ApiSource[T]):
    """What the sources that query a Prometheus have in common. Blocking: on the executor."""

    def _ask(self, promql: str, moment: float | None = None) -> Vector | Fault:
        """The vector of a query at ``moment`` (Unix seconds), at present unless one is given.

        What is not a finite number is left out.
        """
        at = {} if moment is None else {"time": f"{moment:.3f}"}
        try:
            return read_vector(self._client.custom_query(promql, params=at))
        except Exception as error:  # noqa: BLE001 - the boundary: every failure is classified
            return fault_of_answer(error, self.endpoint)

    @cached_property
    def _client(self) -> "PrometheusConnect":
        # Imported where it is first asked, on the thread: it brings requests along.
        from prometheus_api_client.prometheus_connect import PrometheusConnect

        # Of a session it uses what BlockingApi has, and nothing more.
        return PrometheusConnect(url="", session=self._api)  # type: ignore[arg-type]
