"""The cluster that an action is about: looked at, and asked what may be done there.

Invariant: nothing here changes it but what ``changes`` sends. What cannot be looked at raises
ObserveError; whether somebody may do something is yes, no, or not known, and not known is no *no*.
"""

import os
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from opsconsole.config.kubernetes import KubernetesAction, KubernetesCluster
from opsconsole.operations.drivers.kubernetes.changes import (
    CONFLICT,
    GONE,
    Answered,
    ClusterChanges,
    is_refused,
    outcome_of,
)
from opsconsole.operations.drivers.kubernetes.fields import JsonObject
from opsconsole.operations.drivers.kubernetes.patches import Patch
from opsconsole.operations.drivers.kubernetes.workloads import namespaced, part
from opsconsole.operations.driving.driver import DriverContext, ObserveError, Outcome, StepOutcome
from opsconsole.sources.kubernetes.api.access import Access
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.api.kubeconfig import access_of
from opsconsole.sources.kubernetes.api.rights import Right
from opsconsole.threads import QueueFullError

_READING: Final = 10.0
"""Seconds for reading a kubeconfig."""

_TRIES: Final = 5
_PAUSE: Final = 0.1
"""Seconds before what was changed in between is looked at again."""


class Cluster:
    """One cluster, for one driver; made when it is first needed, inside an event loop."""

    def __init__(self, context: DriverContext, target: KubernetesAction) -> None:
        self._context = context
        self._target = target
        self._client: ClusterChanges | None = None

    @property
    def namespace(self) -> str:
        """The namespace that the action is about. Raises ObserveError."""
        return self._target.namespace_in(self._configured)

    async def changes(self) -> ClusterChanges:
        """What asks and changes it. Raises ObserveError where it cannot be reached at all."""
        if self._client is None:
            configured = self._configured
            try:
                access = await self._context.threads.run(
                    lambda: _access(configured, self._context), deadline=_READING
                )
            except ClusterError as error:
                raise ObserveError(error.what, remedy=error.remedy) from error
            except (TimeoutError, QueueFullError) as error:
                raise ObserveError(f"the kubeconfig of {configured.name} cannot be read") from error
            self._client = ClusterChanges(access, timeout=configured.timeout)
        return self._client

    async def get(self, path: str) -> JsonObject | None:
        """The object at ``path``; None where there is none. Raises ObserveError."""
        try:
            return await (await self.changes()).get(path)
        except ClusterError as error:
            if error.status == GONE:
                return None
            raise ObserveError(error.what, remedy=error.remedy) from error

    async def listing(self, path: str, **params: str) -> tuple[JsonObject, ...]:
        """The objects at ``path``; none where there is no such kind. Raises ObserveError."""
        try:
            return (await (await self.changes()).listing(path, params)).items
        except ClusterError as error:
            if error.status == GONE:
                return ()
            raise ObserveError(error.what, remedy=error.remedy) from error

    async def seen(self, path: str, what: str) -> tuple[tuple[JsonObject, ...], str]:
        """As ``listing``, where it is not needed: with why it could not be seen, or ''."""
        try:
            return await self.listing(path), ""
        except ObserveError as error:
            return (), f"{what} cannot be seen: {error.what}"

    async def ask(self, rights: Iterable[Right]) -> tuple[str, ...]:
        """What is not known of ``rights``, a line each. Raises ObserveError for one that is not."""
        client = await self.changes()
        unknown = []
        for right in rights:
            allowed = await client.review(right)
            if allowed is None:
                unknown.append(f"whether you may {_said(right)} could not be asked")
            elif not allowed:
                raise ObserveError(
                    f"you may not {_said(right)}",
                    remedy="ask for the right (docs/kubernetes.md has the roles), or use a context "
                    "that has it",
                    code="no-right",
                )
        return tuple(unknown)

    async def try_out(self, path: str, patch: Patch) -> tuple[str, ...]:
        """What the cluster says of a change that it makes as if; nothing is changed.

        Raises ObserveError where it refuses.
        """
        try:
            tried = await (await self.changes()).patch(path, patch, dry=True)
        except ClusterError as error:
            if is_refused(error):
                raise ObserveError(
                    f"the cluster would refuse it: {error.what}",
                    remedy="look at what it says, and plan again",
                    code="refused-by-cluster",
                ) from error
            return (f"it could not be tried out: {error.what}",)
        return tuple(f"the cluster says: {each}" for each in tried.warnings)

    async def change(
        self,
        path: str,
        now: Callable[[], Awaitable[JsonObject]],
        patch_of: Callable[[JsonObject], Awaitable[Patch]],
    ) -> Answered | StepOutcome:
        """Patch the object at ``path``, once; the object as it is then, or why it is not.

        ``now`` reads it, and ``patch_of`` makes the patch of what was read; either raises
        ObserveError where it must not be. What the server refuses because the object has changed
        in between is looked at again first.
        """
        found = StepOutcome(Outcome.FAILED)
        for _ in range(_TRIES):
            try:
                patch = await patch_of(await now())
                client = await self.changes()
            except ObserveError as error:
                return StepOutcome(Outcome.FAILED, f"nothing was done: {error}")
            try:
                return await client.patch(path, patch)
            except ClusterError as error:
                found = outcome_of(error)
                if error.status != CONFLICT:
                    return found
            await self._context.clock.sleep(_PAUSE)
        return found

    async def close(self) -> None:
        """Drop connections; idempotent."""
        if self._client is not None:
            await self._client.close()

    @property
    def _configured(self) -> KubernetesCluster:
        found = self._context.settings.cluster_of(self._target)
        if found is None:
            raise ObserveError(
                "no Kubernetes cluster is configured for the action",
                remedy="give one: kubernetes: {context: …}",
            )
        return found


def named(group: str, namespace: str, plural: str, name: str) -> str:
    """The path of one object of a namespace."""
    return f"{namespaced(group, namespace, plural)}/{part(name)}"


def _access(configured: KubernetesCluster, context: DriverContext) -> Access:
    return access_of(configured, os.environ, base=context.base)


def _said(right: Right) -> str:
    what = "/".join(filter(None, (right.resource, right.subresource)))
    where = f" in {right.namespace}" if right.namespace else ""
    name = f" {right.name}" if right.name else ""
    return f"{right.verb} {what}{name}{where}"
