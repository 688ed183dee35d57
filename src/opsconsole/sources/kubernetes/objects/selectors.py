"""Which objects a workload calls its own. Pure."""

from collections.abc import Mapping
from typing import Final

from opsconsole.sources.json_fields import listed, mapping, text
from opsconsole.sources.kubernetes.objects.metadata import NAME_LIMIT

_MOST: Final = 100


def selector(item: Mapping[str, object]) -> str:
    """``spec.selector`` of a workload, as the API takes it; '' where it says that of none."""
    chosen = mapping(mapping(item.get("spec")).get("selector"))
    labels = mapping(chosen.get("matchLabels"))
    parts = [f"{key}={value}" for key, value in sorted(labels.items())]
    for each in map(mapping, listed(chosen.get("matchExpressions"), _MOST)):
        key, operator = text(each.get("key"), NAME_LIMIT), text(each.get("operator"), NAME_LIMIT)
        values = ",".join(str(value) for value in listed(each.get("values"), _MOST))
        match operator:
            case "In" | "NotIn":
                parts.append(f"{key} {operator.lower()} ({values})")
            case "Exists":
                parts.append(key)
            case "DoesNotExist":
                parts.append(f"!{key}")
            case _:
                return ""
    return ",".join(parts)
