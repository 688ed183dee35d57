"""The schema for editors and the manual made of it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.files.yaml_tree import read_tree
from opsconsole.config.json_schema import DRAFT, runbook_schema, schema
from tools.configuration_page import reference

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "sample_configs").glob("*.yaml"))
RUNBOOKS = sorted((ROOT / "sample_configs/runbooks").rglob("*.yaml"))


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from nodes(item)
    elif isinstance(node, dict):
        yield node
        for item in node.values():
            yield from nodes(item)


def test_the_committed_schema_is_current() -> None:
    """Renew it by: opsconsole schema > docs/opsconsole.schema.json."""
    assert json.loads((ROOT / "docs/opsconsole.schema.json").read_text("utf-8")) == schema()


def test_the_committed_manual_is_current() -> None:
    """Renew it from ``make pages``."""
    assert (ROOT / "docs/configuration.md").read_text("utf-8") == reference(schema())


def test_the_schema_keeps_to_draft_07() -> None:
    made = schema()

    assert made["$schema"] == DRAFT
    for node in nodes(made):
        assert "$defs" not in node
        assert "prefixItems" not in node
        if isinstance(node.get("$ref"), str):
            assert list(node) == ["$ref"]
            assert node["$ref"].removeprefix("#/definitions/") in made["definitions"]


def test_every_key_is_described() -> None:
    made = schema()
    text = reference(made)

    for node in nodes(made):
        for name, item in node.get("properties", {}).items() if "type" in node else ():
            target = next((each["$ref"] for each in nodes(item) if "$ref" in each), "")
            described = made["definitions"].get(target.rsplit("/", 1)[-1], {})
            assert item.get("description") or described.get("description"), name
            assert f"| `{name}` |" in text


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_agrees_with_the_schema(path: Path) -> None:
    made = schema()

    assert mismatch(read_tree(path.read_text("utf-8"), path.name).value, made, made) == ""


def test_the_committed_schema_of_runbooks_is_current() -> None:
    """Renew it by: python -m tools.pages."""
    text = (ROOT / "docs/runbook.schema.json").read_text("utf-8")
    assert json.loads(text) == runbook_schema()


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_shipped_runbook_agrees_with_its_schema(path: Path) -> None:
    made, text = runbook_schema(), path.read_text("utf-8")

    assert mismatch(read_tree(text, path.name).value, made, made) == ""
    modeline = text.partition("\n")[0]
    assert (path.parent / modeline.partition("$schema=")[2]).resolve().is_file()


def test_the_schema_refuses_what_is_not_known() -> None:
    made = schema()

    assert mismatch({"servces": {}}, made, made)
    assert mismatch({"services": {"api": {"intervall": "5s"}}}, made, made)
    assert mismatch({"defaults": {"interval": "5 seconds"}}, made, made)
    assert mismatch({"services": {"a b": {}}}, made, made)


def mismatch(value: Any, node: dict[str, Any], root: dict[str, Any]) -> str:
    """Where ``value`` breaks the parts of draft 07 that the schema uses; '' when nowhere."""
    if "$ref" in node:
        return mismatch(value, root["definitions"][node["$ref"].rsplit("/", 1)[-1]], root)
    for inner in node.get("allOf", ()):
        if found := mismatch(value, inner, root):
            return found
    if "anyOf" in node:
        found_all = [mismatch(value, inner, root) for inner in node["anyOf"]]
        if all(found_all):
            return min(found_all, key=len)
    if "enum" in node and value not in node["enum"]:
        return f"{value!r} is not in {node['enum']}"
    return _mismatch_of_type(value, node, root)


def _mismatch_of_type(value: Any, node: dict[str, Any], root: dict[str, Any]) -> str:
    kinds: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "integer": int,
        "number": (int, float),
        "null": type(None),
    }
    said = node.get("type")
    fitting = [said] if isinstance(said, str) else said or []
    if fitting and not any(
        isinstance(value, kinds[kind]) and isinstance(value, bool) == (kind == "boolean")
        for kind in fitting
    ):
        return f"{value!r} is no {' or '.join(fitting)}"
    if isinstance(value, str) and "pattern" in node and not re.search(node["pattern"], value):
        return f"{value!r} does not match {node['pattern']}"
    if isinstance(value, list):
        found = (mismatch(item, node.get("items", {}), root) for item in value)
        return next((text for text in found if text), "")
    if isinstance(value, dict):
        found = (
            f"{key}: {text}" for key, item in value.items() if (text := _at(key, item, node, root))
        )
        return next(found, "") or "".join(
            f"{key} is missing" for key in node.get("required", ()) if key not in value
        )
    return ""


def _at(key: str, item: Any, node: dict[str, Any], root: dict[str, Any]) -> str:
    if key in node.get("properties", {}):
        return mismatch(item, node["properties"][key], root)
    for pattern, inner in node.get("patternProperties", {}).items():
        if re.search(pattern, key):
            return mismatch(item, inner, root)
    rest = node.get("additionalProperties", True)
    if rest is False:
        return "unknown key"
    return mismatch(item, rest, root) if isinstance(rest, dict) else ""
