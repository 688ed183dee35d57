"""What a Grafana dashboard says: panels and their queries, thresholds, variables. Pure.

Invariant: a query is taken as it is written, with Grafana's own variables as their usual values and
its variables as the values that they have; one that needs a value that nobody chose loses that
matcher, and one that still holds a variable is not understood. A threshold that is Grafana's
untouched default is nobody's objective.

Format: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from opsconsole.dataclass import dataclass
from opsconsole.discovery.imported.drafting import (
    Drafting,
    File,
    Service,
    items,
    mapping,
    named,
    plain_text,
)
from opsconsole.discovery.imported.scraping import offer_server
from opsconsole.model.written.expressions import BUILT_IN, ExpressionError, parse

_OWN: Final = {
    "__rate_interval": "5m", "__interval": "5m", "__range": "1h", "__interval_ms": "300000",
    "__range_s": "3600", "__range_ms": "3600000", "interval": "5m",
    "__auto_interval_interval": "5m",
}  # fmt: skip
_USED: Final = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)|\[\[(\w+)(?::\w+)?\]\]")
_MATCHER: Final = (
    r"[A-Za-z_]\w*\s*(?:=~|!~|=|!=)\s*"
    r"(?:\"[^\"]*(?:\$[\w{]|\[\[)[^\"]*\"|'[^']*(?:\$[\w{]|\[\[)[^']*')"
)
_UNITS: Final = {
    "s": "s", "ms": "ms", "percent": "%", "percentunit": "%", "bytes": "B", "decbytes": "B",
    "reqps": "/s", "ops": "/s", "cps": "/s", "rps": "/s", "iops": "/s", "wps": "/s", "eps": "/s",
}  # fmt: skip
_QUERIES: Final = frozenset(
    {"", "prometheus", "-- Mixed --", "mixed", "victoriametrics-datasource"}
)
_WORDS: Final = frozenset({"text", "row", "news", "dashlist", "alertlist", "logs", "annolist",
                           "welcome", "traces", "nodeGraph"})  # fmt: skip
"""Panels that show no figure."""
_SHOWS: Final = frozenset({"gauge", "stat", "bargauge", "singlestat"})
"""Panels of which the thresholds are what is seen."""
_GOOD: Final = re.compile(
    r"(?i)(?:(?:super-light-|semi-dark-|dark-|light-)?(?:green|blue)|transparent|text"
    r"|#(?:73bf69|299c46|37872d|56a64b|96d98d|c8f2c2))"
)
_DEFAULT: Final = 80
_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class _Query:
    """What a panel asks; ``where`` is its position."""

    title: str
    text: str
    unit: str
    panel: Mapping[str, Any]
    where: str


def read(drafting: Drafting, file: File, service: str) -> None:
    """The panels of ``file`` as metrics of ``service``, else of the one that they are about."""
    root = mapping(file.root.get("dashboard")) or file.root
    base: tuple[str | int, ...] = ("dashboard",) if root is not file.root else ()
    title = plain_text(root.get("title")) or file.name
    offer_server(drafting, "prometheus", f"dashboard {title}")
    values = dict(_variables(root))
    queries = list(_queries(drafting, file, root, base, values))
    if not queries:
        drafting.not_understood(f"{file.name}: no panel of dashboard {title} asks a Prometheus")
        return
    made = _service_of(drafting, queries, values, service, title, file)
    for name, value in values.items():
        # A name that other series lack as well would leave them out.
        if value and name in {"job", "namespace", "env", "environment", "cluster", "region"}:
            made.put("labels", {name: value}, f"variable {name} of dashboard {title}")
    taken = set(made.blocks.get("metrics", {}))
    for query in queries:
        name = _name(query.title, taken)
        taken.add(name)
        metric: dict[str, object] = {"promql": query.text}
        if query.unit:
            metric["unit"] = query.unit
        made.add("metrics", name, metric, f"panel {query.title} of {title}")
        _read_thresholds(made, name, query)


def _variables(root: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each variable and the one value that is chosen; '' where several or all are."""
    for each in items(mapping(root.get("templating")).get("list")):
        name = plain_text(mapping(each).get("name"))
        if not name:
            continue
        value = mapping(mapping(each).get("current")).get("value")
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else None
        chosen = value if isinstance(value, str) else ""
        plain = re.fullmatch(r"[\w./: @-]+", chosen) is not None and chosen != "All"
        yield name, chosen if plain else ""


def _panels(
    root: Mapping[str, Any], path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """Every panel, also those within rows, which are of two kinds."""
    for key in ("panels", "rows"):
        for index, each in enumerate(items(root.get(key))):
            if isinstance(each, dict):
                if key == "panels" and each.get("type") != "row":
                    yield (*path, key, index), each
                yield from _panels(each, (*path, key, index))


def _queries(
    drafting: Drafting,
    file: File,
    root: Mapping[str, Any],
    base: tuple[str | int, ...],
    values: Mapping[str, str],
) -> Iterator[_Query]:
    for path, panel in _panels(root, base):
        title = plain_text(panel.get("title")) or "panel"
        kind = plain_text(panel.get("type")) or ""
        asked = [*items(panel.get("targets")), *items(panel.get("metrics"))]
        asked = [each for each in asked if not mapping(each).get("hide")]
        if not asked and kind not in _WORDS:
            drafting.not_understood(f"{file.at(*path)}: panel {title} asks nothing")
        for target in asked:
            expression = target if isinstance(target, str) else mapping(target).get("expr")
            where = f"{file.at(*path)}: panel {title}"
            of = _source_of(target) or _source_of(panel)
            if not isinstance(expression, str) or not expression.strip() or of not in _QUERIES:
                drafting.not_understood(f"{where} asks {of or 'something else'}, no Prometheus")
                continue
            text = _filled(expression, values)
            if text is None:
                drafting.not_understood(f"{where} needs a variable")
                continue
            unit = _unit_of(panel)
            if not unit and text.startswith(("rate(", "irate(", "sum(rate(")):
                unit = "ops"
            if unit == "percentunit":
                text = f"100 * ({text})"
            legend = plain_text(mapping(target).get("legendFormat")) if len(asked) > 1 else None
            called = f"{title} {legend}" if legend and "{" not in legend else title
            yield _Query(called, text, _UNITS.get(unit, ""), panel, where)


def _source_of(part: object) -> str:
    """The kind of the data source; '' where it is not said, or said by a variable or a name."""
    source = mapping(part).get("datasource")
    kind = mapping(source).get("type") if isinstance(source, dict) else None
    return kind if isinstance(kind, str) and "$" not in kind else ""


def _unit_of(panel: Mapping[str, Any]) -> str:
    unit = mapping(mapping(panel.get("fieldConfig")).get("defaults")).get("unit")
    if unit is None:
        unit = panel.get("format")
    if unit is None:
        axes = items(panel.get("yaxes"))
        unit = mapping(axes[0]).get("format") if axes else None
    return unit if isinstance(unit, str) else ""


def _filled(expression: str, values: Mapping[str, str]) -> str | None:
    """The query with the values of its variables; None where one has none that fits."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[3]
        return _OWN.get(name) or values.get(name) or match[0]

    text = _USED.sub(value, " ".join(expression.split()))
    # A matcher of a variable that stands for all is none.
    text = re.sub(rf",\s*{_MATCHER}", "", text)
    text = re.sub(rf"{_MATCHER}\s*,?\s*", "", text)
    fits = re.search(r"\$[\w{$]|\[\[", text) is None
    return text if fits and text.isprintable() and len(text) < 4000 else None


def _service_of(
    drafting: Drafting,
    queries: Sequence[_Query],
    values: Mapping[str, str],
    wanted: str,
    title: str,
    file: File,
) -> Service:
    """The service that is named, else that of the job that all name, else one of its own."""
    evidence = f"dashboard {title} of {file.name}"
    if wanted:
        known = wanted in drafting.services
        return drafting.merge(wanted, evidence) if known else drafting.service(wanted, evidence)
    jobs = {job for each in queries for job in re.findall(r"\bjob=\"([^\"]+)\"", each.text)}
    if values.get("job"):
        jobs.add(values["job"])
    for name, made in drafting.services.items():
        if jobs and jobs == set(made.jobs):
            return drafting.merge(name, evidence)
    metrics = {word for each in queries for word in re.findall(r"[a-z]\w*_\w+", each.text)}
    near = [
        name
        for name, made in drafting.services.items()
        if metrics and any(_is_of(metrics, each) for each in (name, *made.jobs))
    ]
    if len(near) == 1:
        return drafting.merge(near[0], evidence)
    return drafting.service(named(title) or "dashboard", evidence)


def _is_of(metrics: set[str], name: str) -> bool:
    """Whether every series begins with ``name``, as those of a program do."""
    begin = re.sub(r"\W", "_", name) + "_"
    return all(each.startswith(begin) for each in metrics)


def _name(title: str, taken: set[str]) -> str:
    """``title`` as a metric is called, which no other of the service is."""
    base = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:_NAME].strip("_") or "panel"
    if not base[0].isalpha() or base in {*BUILT_IN, "availability", "state"}:
        base = f"panel_{base}"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name


def _read_thresholds(made: Service, name: str, query: _Query) -> None:
    """The first step that is not well, as the objective not to reach it."""
    panel = query.panel
    defaults = mapping(mapping(panel.get("fieldConfig")).get("defaults"))
    thresholds = mapping(defaults.get("thresholds"))
    if thresholds.get("mode") == "percentage":
        return
    steps = [mapping(each) for each in items(thresholds.get("steps"))]
    steps = [each for each in steps if isinstance(each.get("color"), str)]
    if len(steps) < 2:
        return
    well = [_GOOD.fullmatch(each["color"]) is not None for each in steps]
    step = next((index for index in range(1, len(steps)) if well[index] is not well[0]), None)
    limit = steps[step].get("value") if step is not None else None
    if step is None or isinstance(limit, bool) or not isinstance(limit, int | float):
        return
    if well[0] and len(steps) == 2 and limit == _DEFAULT and panel.get("type") not in _SHOWS:
        return
    figure = limit * 100 if _unit_of(panel) == "percentunit" else limit
    text = f"{name} {'<' if well[0] else '>='} {figure:g}{query.unit}"
    try:
        parse(text)
    except ExpressionError:
        return
    untouched = well[0] and limit == _DEFAULT
    made.add("objectives", text, text, f"thresholds of panel {query.title}", stands=not untouched)
