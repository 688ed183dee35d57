"""The watcher's own figures, as Prometheus reads them. Pure.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/, text, version 0.0.4.
"""

from collections.abc import Iterable, Iterator, Mapping

from opsconsole.dataclass import dataclass

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric with its samples: values by their labels."""

    name: str
    help: str
    samples: tuple[tuple[float, Mapping[str, str]], ...] = ()
    kind: str = "gauge"


def exposition(figures: Iterable[Figure]) -> str:
    """All of ``figures`` as one text."""
    return "".join(f"{line}\n" for each in figures for line in _lines(each))


def _lines(figure: Figure) -> Iterator[str]:
    yield f"# HELP {figure.name} {figure.help}"
    yield f"# TYPE {figure.name} {figure.kind}"
    for value, labels in figure.samples:
        said = ",".join(f'{name}="{text.translate(_ESCAPES)}"' for name, text in labels.items())
        yield f"{figure.name}{{{said}}} {value:.15g}" if said else f"{figure.name} {value:.15g}"
