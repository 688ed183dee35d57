"""The JSON schemas of the configuration and of runbooks, for editors.

Invariant: a schema describes what its file accepts, the short forms included, in draft 07,
which every YAML language server understands: ``definitions`` instead of ``$defs``, and nothing
beside a ``$ref``.
"""

from typing import Any, Final

from opsconsole.config.runbooks.steps import RunbookFile
from opsconsole.config.settings import Settings
from opsconsole.config.types import Model

DRAFT: Final = "http://json-schema.org/draft-07/schema#"


def schema() -> dict[str, Any]:
    """The schema as JSON-able values, keys in the order of the manual."""
    return _whole(Settings, "opsconsole configuration", patternProperties={"^x-": {}})


def runbook_schema() -> dict[str, Any]:
    """The same for the file of a runbook."""
    return _whole(RunbookFile, "opsconsole runbook")


def _whole(root: type[Model], title: str, **more: Any) -> dict[str, Any]:
    made = _draft_07(root.model_json_schema(by_alias=True, mode="validation"))
    definitions = made.pop("definitions", {})
    made.update(title=title, **more)
    return {"$schema": DRAFT, **made, "definitions": dict(sorted(definitions.items()))}


def _draft_07(node: Any) -> Any:
    """``node`` rewritten from draft 2020-12."""
    if isinstance(node, list):
        return [_draft_07(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "properties" in node:
        node = {**node, "properties": {k: _untitled(v) for k, v in node["properties"].items()}}
    made = {_KEYS.get(key, key): _draft_07(item) for key, item in node.items()}
    if "patternProperties" in made:
        made.setdefault("additionalProperties", False)
    reference = made.get("$ref")
    if not isinstance(reference, str):
        return made
    made.pop("$ref")
    target = {"$ref": reference.replace("#/$defs/", "#/definitions/")}
    return {**made, "allOf": [target]} if made else target


def _untitled(node: Any) -> Any:
    """A property without the title that pydantic makes of its name."""
    return {key: item for key, item in node.items() if key != "title"}


# A reference to a secret is a string too, so that exactly one of them would never hold.
_KEYS: Final = {"$defs": "definitions", "oneOf": "anyOf"}
