"""The manual of the configuration, written from its JSON schema.

Invariant: every key of the schema stands in it once, with its description, form and default, so
that the manual cannot say what the program does not do.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from opsconsole.model.written.units import format_duration

_HEAD: Final = """\
# Configuration reference

Written from the schema: `opsconsole schema` prints it for editors, `docs/opsconsole.schema.json`
is a copy. Durations are `500ms`, `30s`, `1m30s`, `2h`, `7d`; sizes are `500MB` (10^6) or `4GiB`
(2^30). `${VAR}`, `${VAR:-default}` and `${VAR:?message}` are filled in from the environment, `$$`
is a dollar sign, and a secret is only ever a reference: `${env:NAME}`, `{file: PATH}`,
`{command: [ARGV]}` or `{credential: NAME}`.
"""


def reference(schema: Mapping[str, Any]) -> str:
    """Markdown: the root first, then every definition in the order of first mention."""
    sections = [_HEAD, _section("opsconsole.yaml", schema, schema["definitions"])]
    for name in _in_order_of_mention(schema):
        sections.append(_section(name, schema["definitions"][name], schema["definitions"]))
    return "\n".join(sections)


def _section(name: str, node: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    whole = _object_of(node)
    text = str(whole.get("description", "")).replace("``", "`").strip()
    lines = [f"## {name}", "", text, ""]
    short = [form for form in node.get("anyOf", ()) if "properties" not in form]
    if short:
        lines += [f"Short form: {' or '.join(_form(form) for form in short)}.", ""]
    lines += ["| key | takes | default | meaning |", "| --- | --- | --- | --- |"]
    required = whole.get("required", ())
    for key, item in whole.get("properties", {}).items():
        form = _form(item)
        default = "required" if key in required else _default(item, form)
        meaning = item.get("description") or _meaning_of_target(item, definitions)
        cells = (f"`{key}`", form, default, meaning)
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join([*lines, ""])


def _object_of(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The long form of a definition that has a short one too."""
    return next((form for form in node.get("anyOf", ()) if "properties" in form), node)


def _meaning_of_target(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """What the definition that ``node`` refers to says of itself."""
    name = next(_references(node), "")
    return str(_object_of(definitions.get(name, {})).get("description", ""))


def _form(node: Mapping[str, Any]) -> str:
    """What a value may be, in a few words."""
    if "$ref" in node:
        name = str(node["$ref"]).rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    for key in ("anyOf", "allOf"):
        if key in node:
            forms = [_form(form) for form in node[key] if form.get("type") != "null"]
            return " or ".join(dict.fromkeys(forms))
    if "enum" in node:
        return " or ".join(f"`{word}`" for word in node["enum"])
    if "const" in node:
        value = node["const"]
        return f"`{value if isinstance(value, str) else json.dumps(value)}`"
    return _form_of_type(node)


def _form_of_type(node: Mapping[str, Any]) -> str:
    kind = node.get("type")
    if isinstance(kind, list):
        return " or ".join(_form_of_type({**node, "type": each}) for each in kind)
    if kind == "array":
        return f"list of {_form(node.get('items', {}))}"
    if kind == "object":
        inner: Any = node.get("additionalProperties") or next(
            iter(node.get("patternProperties", {}).values()), {}
        )
        return f"names to {_form(inner) if isinstance(inner, dict) else 'anything'}"
    words = {
        "string": "text",
        "integer": "whole number",
        "boolean": "true or false",
        "null": "nothing",
    }
    if kind == "string" and "(ms|s|m|h|d|w)" in str(node.get("pattern", "")):
        return "duration"
    return words.get(str(kind), str(kind or "anything"))


def _default(node: Mapping[str, Any], form: str) -> str:
    value = node.get("default")
    if value in (None, "", [], {}):
        return ""
    if form.startswith("duration"):
        return f"`{format_duration(value)}`"
    if isinstance(value, list) and isinstance(value[0], dict):
        return "one, as its own defaults say"
    return f"`{json.dumps(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _in_order_of_mention(schema: Mapping[str, Any]) -> list[str]:
    seen: list[str] = []
    pending = list(_references(schema.get("properties", {})))
    while pending:
        name = pending.pop(0)
        if name not in seen:
            seen.append(name)
            pending.extend(_references(schema["definitions"][name]))
    return seen


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rsplit("/", 1)[-1]
        for item in node.values():
            yield from _references(item)
