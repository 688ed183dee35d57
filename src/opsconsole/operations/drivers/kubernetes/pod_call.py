"""Calling a service by HTTP at its pods, at their addresses or through the API server's proxy.

Invariant: a plan names the pods by uid, so that one that was replaced makes it stale. A call is
sent at most once. What is said in the API server's name may be the pod's word as well, after it has
acted: it is a refusal where the server, asked apart, gives the same reason, and else not known.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import httpx

from opsconsole.model.operation import Copy, Effect, Step
from opsconsole.model.running.workloads import Replica
from opsconsole.model.state import State
from opsconsole.operations.drivers.http import BODY_LIMIT, HttpDriver, Request, filled_url
from opsconsole.operations.drivers.kubernetes.changes import ClusterChanges, outcome_of
from opsconsole.operations.drivers.placeholders import fill, fill_json, refuse_lacking, words
from opsconsole.operations.driving.driver import (
    DriverContext,
    ObserveError,
    Outcome,
    StepOutcome,
    declared,
)
from opsconsole.sources.health.factory import join_url
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.api.rights import Right
from opsconsole.sources.kubernetes.asked_pods import AskedPods
from opsconsole.sources.kubernetes.proxied import VERBS, base_of, is_within
from opsconsole.text import sanitize
from opsconsole.threads import QueueFullError

_SHOWN: Final = 300
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404


class PodCall(HttpDriver):
    """Calls a pod of the service's workloads that is ready, or each of them."""

    def __init__(self, context: DriverContext) -> None:
        super().__init__(context)
        self._declared = declared(context.action.http)
        self._asked: list[AskedPods] = []
        self._client: ClusterClient | None = None
        self._pods: tuple[Replica, ...] = ()
        self._warnings: tuple[str, ...] = ()

    async def observe(self) -> Mapping[str, str]:
        """Which pods are called, by their uids, and where."""
        if not is_within(self._declared.url) or "://" in self._declared.url:
            raise ObserveError("at pods a path is called, without . and ..")
        self._pods = await self._ready()
        templates = (self._declared.url, self._declared.query, self._declared.json_body)
        for pod in self._pods:
            refuse_lacking(templates, words(self._context.request, pod.name))
        await self._ask_rights()
        facts = {f"{pod.name} uid": sanitize(pod.id, limit=_SHOWN) for pod in self._pods}
        return {**facts, "path": sanitize(self._declared.url, limit=_SHOWN)}

    def steps(self, facts: Mapping[str, str]) -> tuple[Step, ...]:
        """One call for each pod."""
        return tuple(self._step_at(pod) for pod in self._pods)

    def warnings(self) -> tuple[str, ...]:
        """What could not be asked."""
        return self._warnings

    async def copies(self) -> tuple[Copy, ...]:
        """None: which pod is called, nobody chooses."""
        return ()

    async def execute(self, step: Step) -> StepOutcome:
        """Send the call once and judge its answer by the declared codes."""
        if self._declared.through != "proxy":
            return await super().execute(step)
        call, values = Request.of(step), words(self._context.request, step.instance)
        url = filled_url(f"http://pod{step.target}", values)
        if not is_within(url.raw_path.decode("ascii")):
            return StepOutcome(Outcome.FAILED, "nothing was sent: its path leads out of the pod")
        params = dict(url.params) | {key: fill(value, values) for key, value in call.query.items()}
        body = b"" if call.json is None else json.dumps(fill_json(call.json, values)).encode()
        started = time.monotonic()
        deadline = asyncio.get_running_loop().time() + self._declared.timeout
        try:
            client = self._client or (await self._known())[1]
            answer = await client.proxied(
                urlsplit(str(url)).path,
                params,
                deadline,
                method=call.method,
                body=body,
                limit=BODY_LIMIT,
            )
        except ClusterError as error:
            return await self._refused(error, step)
        response = httpx.Response(answer.status, content=answer.body)
        return self._judge(response, time.monotonic() - started)

    async def _refused(self, error: ClusterError, step: Step) -> StepOutcome:
        """What became of a call to which the API server, or the pod in its name, says no."""
        said = outcome_of(error)
        if error.status is None or said.outcome is not Outcome.FAILED:
            return said
        pod = next((each for each in self._pods if each.name == step.instance), None)
        if pod is not None and self._client is not None:
            if error.status == _FORBIDDEN and await self._client.review(self._right(pod)) is False:
                return said
            if error.status == _NOT_FOUND and await self._is_gone(pod, self._client):
                return said
        why = f"the answer says that it was not passed on, which is not sure: {error.what}"
        return StepOutcome(Outcome.UNKNOWN, why)

    async def _is_gone(self, pod: Replica, client: ClusterClient) -> bool:
        try:
            await client.get(f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}")
        except ClusterError as error:
            return error.status == _NOT_FOUND
        return False

    def _right(self, pod: Replica) -> Right:
        verb = VERBS[self._declared.method]
        return Right(verb, "pods", "", pod.namespace, subresource="proxy")

    async def reconcile(self, step: Step, before: Mapping[str, str]) -> StepOutcome:
        """Nothing shows it."""
        return StepOutcome(Outcome.UNKNOWN, "nothing there shows whether the call took effect")

    def undo(self) -> str:
        """As far as it can be known."""
        return "it cannot be undone from here"

    async def close(self) -> None:
        """Close what was opened."""
        await super().close()
        asked, self._asked = self._asked, []
        await asyncio.gather(*(each.close() for each in asked))

    async def _ready(self) -> tuple[Replica, ...]:
        """The pods to call. Raises ObserveError."""
        try:
            found, self._client = await self._known()
        except (ClusterError, TimeoutError, QueueFullError) as error:
            raise ObserveError(f"the pods cannot be seen: {error}") from error
        ready = sorted(
            (each for each in found if each.state is State.OK), key=lambda each: each.name
        )
        if not ready:
            raise ObserveError(
                f"no pod of {self._context.service} is ready",
                remedy="look at its copies first",
            )
        return tuple(ready) if self._declared.every_instance else (ready[0],)

    async def _known(self) -> tuple[tuple[Replica, ...], ClusterClient]:
        settings = self._context.settings
        targets = settings.services[self._context.service].kubernetes
        cluster = settings.cluster_of(targets[0]) if targets else None
        if cluster is None:
            raise ObserveError(
                f"{self._context.service} names no workload of a cluster",
                remedy="write kubernetes: deployment/NAME",
            )
        if not self._asked:
            mine = [each for each in targets if settings.cluster_of(each) is cluster]
            self._asked.append(AskedPods(cluster, mine, self._context.base, ClusterChanges))
        names = tuple(each.full_name(cluster) for each in targets)
        return await self._asked[0].pods_of(names, cluster.timeout)

    async def _ask_rights(self) -> None:
        if self._declared.through != "proxy" or self._client is None:
            return
        verb = VERBS[self._declared.method]
        for namespace, pod in {each.namespace: each for each in self._pods}.items():
            right = self._right(pod)
            allowed = await self._client.review(right)
            if allowed is None:
                said = f"whether you may {verb} pods/proxy in {namespace} could not be asked"
                self._warnings = (*self._warnings, said)
            elif not allowed:
                raise ObserveError(
                    f"you may not {verb} pods/proxy in {namespace}",
                    remedy="ask for the right (docs/kubernetes.md has the roles), or write "
                    "through: pods",
                    code="no-right",
                )

    def _step_at(self, pod: Replica) -> Step:
        declared_port = next((each.private for each in pod.ports), None)
        port = self._declared.port or declared_port
        if port is None:
            raise ObserveError(f"{pod.name} declares no port", remedy="write port: beside the path")
        if self._declared.through == "proxy":
            target = join_url(base_of(pod.namespace, pod.name, port), self._declared.url)
        else:
            host = f"[{pod.address}]" if ":" in pod.address else pod.address
            target = join_url(f"http://{host}:{port}", self._declared.url)
        call = self._declared
        request = Request(call.method, call.query, call.json_body, target).document()
        how = "through the API server" if call.through == "proxy" else f"at {pod.address}"
        path = sanitize(call.url.partition("?")[0], limit=_SHOWN)
        summary = f"{call.method} {path} of pod {pod.name}, port {port}, {how}"
        effect = Effect(self._context.action.effect)
        return Step(summary, "http", target, request, effect, instance=pod.name)
