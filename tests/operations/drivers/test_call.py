"""What steps say: read as it was written, by whichever version, and refused when it is not so."""

import json
from collections.abc import Mapping

import pytest

from opsconsole.errors import StateError
from opsconsole.model.operation import Step
from opsconsole.operations.drivers.alertmanager import SilenceCall
from opsconsole.operations.drivers.backup_making import Surplus
from opsconsole.operations.drivers.backup_restoring import Restore
from opsconsole.operations.drivers.call import Call
from opsconsole.operations.drivers.command import Run
from opsconsole.operations.drivers.docker.containers_scale import OneMoreOrLess
from opsconsole.operations.drivers.docker.degrade import Gone, Limit, Limits, Pause, WasPaused
from opsconsole.operations.drivers.docker.replaced import Replacement
from opsconsole.operations.drivers.docker.restart import Restart
from opsconsole.operations.drivers.docker.swarm import Update
from opsconsole.operations.drivers.env_file import SetFlags
from opsconsole.operations.drivers.git import Checkout
from opsconsole.operations.drivers.http import Request
from opsconsole.operations.drivers.kubernetes.calls import (
    DataChange,
    Evictions,
    NodeChange,
    Pin,
    PodPin,
    PodRemoval,
    WorkloadChange,
)
from opsconsole.operations.drivers.pid_file import Signal
from opsconsole.operations.drivers.releases import Switch
from opsconsole.operations.drivers.systemd import UnitChange

_MATCHER = {"name": "alertname", "value": "Down", "isRegex": False, "isEqual": True}

_CALLS: list[tuple[Call, dict[str, object]]] = [
    (
        Restart("web-1", "2026-11-30T07:00:00Z"),
        {
            "name": "web-1",
            "instance": "web-1",
            "healthy": True,
            "started": "2026-11-30T07:00:00Z",
        },
    ),
    (
        Replacement("web-1", "sha256:ab", "shop/web:1.4", ran=True),
        {
            "name": "web-1",
            "instance": "",
            "image": "sha256:ab",
            "image_name": "shop/web:1.4",
            "ran": True,
        },
    ),
    (
        Pause("web-1", pause=True, previous=WasPaused(False)),
        {
            "name": "web-1",
            "instance": "web-1",
            "away": True,
            "pause": True,
            "previous": {"paused": False},
        },
    ),
    (
        Limit("web-1", 0.5, 0, 1 << 20, -1, Limits(2.0, 1 << 30, -1)),
        {
            "name": "web-1",
            "cpus": 0.5,
            "cpu_period": 0,
            "memory": 1 << 20,
            "swap": -1,
            "previous": {"cpus": 2, "memory": 1 << 30, "swap": -1},
        },
    ),
    (Gone("web-1"), {"name": "web-1", "gone": True}),
    (OneMoreOrLess(create=False, name="web-4"), {"create": False, "name": "web-4", "away": True}),
    (Update(7, replicas=3), {"version": 7, "replicas": 3}),
    (Update(7, force=2), {"version": 7, "force": 2}),
    (Update(7, specification="ab12"), {"version": 7, "specification": "ab12"}),
    (UnitChange("f00d", "17"), {"invocation": "f00d", "changed": "17"}),
    (Signal((4711, "98765")), {"process": [4711, "98765"]}),
    (Signal(None), {"process": None}),
    (
        Request("POST", {"reason": "{reason}"}, {"deep": [1, {"b": None}]}),
        {
            "instance": "web-1",
            "method": "POST",
            "query": {"reason": "{reason}"},
            "json": {"deep": [1, {"b": None}]},
        },
    ),
    (Run(("--now", "{reason}")), {"arguments": ["--now", "{reason}"]}),
    (
        SetFlags({"MODE": "reduced", "NEW": "1"}, {"MODE": "full", "NEW": None}),
        {
            "set": {"MODE": "reduced", "NEW": "1"},
            "previous": {"MODE": "full", "NEW": None},
            "leads_to_next": True,
        },
    ),
    (
        Checkout("v1.9", "ab12", "cd34"),
        {"tag": "v1.9", "commit": "ab12", "was": "cd34", "leads_to_next": True},
    ),
    (Switch("2026-11-29"), {"to": "2026-11-29", "was": "2026-11-30", "leads_to_next": False}),
    (Surplus(), {"do": "make"}),
    (Surplus(("20261129-1", "20261128-1")), {"do": "remove", "ids": ["20261129-1", "20261128-1"]}),
    (Restore("20261129-1"), {"do": "restore", "backup": "20261129-1"}),
    (
        WorkloadChange("scale", Pin("u1", "ab12", 3), "m1", to=2),
        {
            "do": "scale",
            "pin": {"uid": "u1", "version": "ab12", "replicas": 3, "paused": None},
            "mark": "m1",
            "to": 2,
        },
    ),
    (
        WorkloadChange("rollback", Pin("u1"), "m1", revision="web-1", goal="cd34"),
        {"do": "rollback", "pin": {"uid": "u1"}, "mark": "m1", "revision": "web-1", "goal": "cd34"},
    ),
    (
        DataChange("u1", "m1", {"MODE": "reduced"}, {"MODE": None}),
        {"uid": "u1", "mark": "m1", "set": {"MODE": "reduced"}, "previous": {"MODE": None}},
    ),
    (NodeChange("u1", "m1", cordon=True), {"uid": "u1", "mark": "m1", "cordon": True}),
    (
        Evictions("node-1", (PodPin("shop", "web-1", "u2"),), "v1", 300.0),
        {
            "node": "node-1",
            "pods": [{"namespace": "shop", "name": "web-1", "uid": "u2"}],
            "version": "v1",
            "within": 300,
        },
    ),
    (
        PodRemoval("statefulset/db", PodPin("shop", "db-0", "u2"), "db-2", 300.0),
        {
            "workload": "statefulset/db",
            "pod": {"namespace": "shop", "name": "db-0", "uid": "u2"},
            "revision": "db-2",
            "within": 300,
        },
    ),
    (
        SilenceCall((_MATCHER,), 7200.0, ""),
        {"matchers": [_MATCHER], "duration": 7200.0, "silence": ""},
    ),
]
"""Each kind of call, and how version 0.1 wrote it."""


def _step(call: Mapping[str, object]) -> Step:
    return Step("does it", "some", "there", call)


@pytest.mark.parametrize(("call", "older"), _CALLS)
def test_what_is_read_is_what_was_written(call: Call, older: dict[str, object]) -> None:
    stored = json.loads(json.dumps(call.document()))
    assert stored == call.document()
    assert type(call).of(_step(stored)) == call
    assert type(call).of(_step(older)) == call, "an operation may outlive an upgrade"


def test_no_kind_of_call_is_left_out() -> None:
    names = {f"{each.__module__}.{each.__name__}" for each in Call.__subclasses__()}
    ours = {name for name in names if name.startswith("opsconsole.")}
    assert ours == {f"{type(call).__module__}.{type(call).__name__}" for call, _ in _CALLS}


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (Restart, {"name": "web-1"}),
        (Restart, {"name": 1, "started": ""}),
        (Update, {"version": True}),
        (Update, {"version": "7"}),
        (Signal, {"process": [4711]}),
        (Signal, {"process": "4711"}),
        (Signal, {"process": ["4711", "1"]}),
        (Limit, {**_CALLS[3][1], "previous": {}}),
        (Limit, {**_CALLS[3][1], "previous": 3}),
        (Run, {"arguments": "rm"}),
        (Run, {"arguments": ["a", ["b"]]}),
        (SetFlags, {"set": {"A": 1}, "previous": {}}),
        (SetFlags, {"set": ["A"], "previous": {}}),
        (Pause, {"name": "web-1", "pause": 1, "previous": {"paused": False}}),
    ],
)
def test_what_has_other_types_is_refused(kind: type[Call], document: dict[str, object]) -> None:
    with pytest.raises(StateError):
        kind.of(_step(document))
