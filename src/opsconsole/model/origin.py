"""Where a service or an instance comes from.

Invariant: code that shows, judges or changes one asks nothing else about where it came from.
"""

from opsconsole.dataclass import dataclass
from opsconsole.model.source_id import SourceId


@dataclass(frozen=True, slots=True)
class Origin:
    """``declared``: by the configuration, which wins. ``found_by`` says who found it, or a part
    of it that the configuration leaves open, on which ``evidence``.
    """

    declared: bool = True
    found_by: SourceId | None = None
    evidence: str = ""


DECLARED = Origin()
