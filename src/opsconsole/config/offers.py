"""What was found and is not watched, as it may be taken over into a configuration.

Invariant: an offer is made of what was seen alone, and keeps its key from look to look.
"""

from collections.abc import Mapping
from dataclasses import field

from opsconsole.config.effective import FoundService
from opsconsole.dataclass import dataclass
from opsconsole.model.running.workloads import Replica
from opsconsole.model.source_id import SourceKind


@dataclass(frozen=True, slots=True)
class ServerAround:
    """A Prometheus or an Alertmanager that answered at ``url``, and why it was asked."""

    kind: SourceKind
    url: str
    evidence: str


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """``where`` is the engine or server that knows it, ``containers`` are those of a service.

    ``blocked`` says why it cannot be taken by a key, and ``several`` that there is more than one
    engine. ``called`` is what a server is called beside others of its kind, '' if it is the first.
    ``begins`` is what a first configuration says besides, so that it finds what is found without.
    """

    key: str
    what: FoundService | ServerAround
    where: str
    containers: tuple[Replica, ...] = ()
    blocked: str = ""
    several: bool = False
    called: str = ""
    begins: Mapping[str, object] = field(default_factory=lambda: {"discover": {"docker": True}})

    @property
    def service(self) -> FoundService | None:
        """What would be a service; None for a server."""
        return self.what if isinstance(self.what, FoundService) else None

    @property
    def server(self) -> ServerAround | None:
        """What would be a server; None for a service."""
        return self.what if isinstance(self.what, ServerAround) else None

    @property
    def name(self) -> str:
        """What it would be called."""
        match self.what:
            case FoundService(name=name):
                return name
            case ServerAround(kind=kind):
                return self.called or str(kind)
