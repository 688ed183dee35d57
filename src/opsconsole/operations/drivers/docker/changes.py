"""Asking a Docker Engine for one change, once.

Invariant: a call is sent at most once, and has one of three outcomes: it was done (the call
returns), it was not (FAILED), or that is not known (UNKNOWN): sent, and no answer, or an answer
that the engine failed during the call.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from opsconsole.config.settings import Docker
from opsconsole.errors import OpsconsoleError
from opsconsole.operations.drivers.docker.engine import EngineCalls
from opsconsole.operations.driving.driver import Outcome, StepOutcome
from opsconsole.sources.docker.endpoint import DockerUnavailableError
from opsconsole.text import sanitize
from opsconsole.threads import BoundedExecutor, QueueFullError

if TYPE_CHECKING:
    from docker import DockerClient

T = TypeVar("T")

PATIENCE: Final = 60.0
"""Seconds that the engine may take to create, connect, start or remove."""

_SERVER_ERROR: Final = 500


class NotChangedError(OpsconsoleError):
    """A change that was not made, or may not have been; ``outcome`` says which."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = StepOutcome(outcome, detail)


class EngineChanges:
    """Changes of one engine, each on a thread of the driver's own."""

    def __init__(self, engine: Docker, threads: BoundedExecutor) -> None:
        self._calls = EngineCalls(engine, threads)
        self._timeout = engine.timeout

    async def send(
        self, what: str, change: Callable[["DockerClient"], T], *, patience: float = PATIENCE
    ) -> T:
        """Make ``change``, which is called ``what`` in words. Raises NotChangedError."""
        from docker.errors import APIError, DockerException

        def patient(client: "DockerClient") -> T:
            client.api.timeout = round(patience)
            return change(client)

        try:
            return await self._calls.run(patient, deadline=patience + 2 * self._timeout)
        except (DockerUnavailableError, QueueFullError) as error:
            raise NotChangedError(Outcome.FAILED, f"{what}: nothing was sent: {error}") from error
        except APIError as error:
            raise _answered(what, error) from error
        except (OSError, TimeoutError, DockerException) as error:
            why = f"{what}: sent, but no answer: {type(error).__name__}"
            raise NotChangedError(Outcome.UNKNOWN, why) from error


def post(
    client: "DockerClient",
    path: str,
    body: Mapping[str, object],
    parameters: Mapping[str, str] | None = None,
) -> Mapping[str, Any]:
    """``POST path`` with a JSON body, where the SDK has no method. Raises APIError."""
    from docker.errors import create_api_error_from_http_exception
    from requests.exceptions import HTTPError

    api = client.api
    response = api.post(
        f"{api.base_url}/v{api.api_version}{path}",
        json=dict(body),
        params=dict(parameters or {}),
        timeout=api.timeout,
        allow_redirects=False,
    )
    try:
        response.raise_for_status()
    except HTTPError as error:
        create_api_error_from_http_exception(error)  # raises
    return cast(Mapping[str, Any], response.json()) if response.content else {}


def _answered(what: str, error: Exception) -> NotChangedError:
    status = getattr(getattr(error, "response", None), "status_code", 0) or 0
    explanation = sanitize(str(getattr(error, "explanation", "") or error), limit=300)
    outcome = Outcome.UNKNOWN if status >= _SERVER_ERROR else Outcome.FAILED
    return NotChangedError(outcome, f"{what}: the engine answered {status}: {explanation}")
