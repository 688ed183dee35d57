"""What a plan says of two templates: all that differs, and never a value that may be a secret."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.operations.drivers.kubernetes.differences import LIMIT, differences
from tests.operations.drivers.kubernetes.made import restarted, stamp, template

OLD = template("web:1")


def _env(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (OLD, OLD, []),
        (OLD, template("web:2"), ["containers.web.image: web:1 → web:2"]),
        (restarted(OLD, stamp(1)), restarted(OLD, stamp(2)), []),
        (OLD, restarted(OLD, stamp(2)), []),
        (OLD, template(tty=True), ["containers.web.tty: added, true"]),
        (template(args=["a"]), template(args=["b"]), ["containers.web.args: changed"]),
        (OLD, template(command=["x"]), ["containers.web.command: added"]),
        (
            template(env=_env(("A", "1"), ("B", "2"))),
            template(env=_env(("A", "1"), ("B", "3"), ("C", "4"))),
            ["containers.web.env.B: changed", "containers.web.env.C: added"],
        ),
        (
            template(resources={"limits": {"memory": "64Mi"}}),
            template(resources={"limits": {"memory": "128Mi"}}),
            ["containers.web.resources.limits.memory: 64Mi → 128Mi"],
        ),
        (
            template(ports=[{"containerPort": 80}]),
            OLD,
            ["containers.web.ports.80.containerPort: 80, removed"],
        ),
        (OLD, template(volume={}), ["containers.web.volume: added, 0 entries"]),
    ],
)  # fmt: skip
def test_each_thing_that_differs_is_a_line(
    old: dict[str, Any], new: dict[str, Any], lines: list[str]
) -> None:
    assert list(differences(old, new)) == lines


SECRET = "hunter2-hunter2"
PLACES = [
    {"env": _env(("PASSWORD", SECRET))},
    {"args": ["--password", SECRET]},
    {"command": ["sh", "-c", SECRET]},
    {"livenessProbe": {"exec": {"command": [SECRET]}}},
    {"livenessProbe": {"httpGet": {"httpHeaders": [{"name": "Authorization", "value": SECRET}]}}},
]


@pytest.mark.parametrize("somewhere", PLACES)
def test_no_value_that_may_be_a_secret_is_in_a_line(somewhere: dict[str, Any]) -> None:
    other = json.loads(json.dumps(somewhere).replace(SECRET, "another-value-of-it"))
    for old, new in ((OLD, template(**somewhere)), (template(**somewhere), OLD),
                     (template(**somewhere), template(**other)),
                     (template(**other), template(**somewhere))):  # fmt: skip
        lines = differences(old, new)
        assert lines
        assert SECRET not in "\n".join(lines)


def test_annotations_differ_without_their_values() -> None:
    noted = {**OLD, "metadata": {**OLD["metadata"], "annotations": {"token": SECRET}}}
    assert differences(OLD, noted) == ("annotations.token: added",)


def test_a_long_list_is_cut_and_counted() -> None:
    lines = differences(OLD, template(**{f"f{n}": n for n in range(LIMIT + 5)}))
    assert len(lines) == LIMIT + 1
    assert lines[-1] == "and 5 more"


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(VALUES, VALUES)
def test_whatever_it_holds_it_is_compared(old: Any, new: Any) -> None:
    """Other fields than are known, of other types: nothing raises, and a difference is a line."""
    lines = differences(template(x=old), template(x=new))
    assert bool(lines) == (old != new)
    assert all(line.isprintable() for line in lines)
