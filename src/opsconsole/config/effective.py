"""What is declared and what was found, as one: the settings that an engine works with.

Invariant: what is declared wins, key by key; what was found fills in what the configuration leaves
open, and services that it does not name. The resulting settings are as consistent as those of
a file: a service that was found and refers to nothing, or takes a name that another has, is
left out and reported. Pure.
"""

from collections.abc import Iterable, Mapping

from opsconsole.config.references import check_references
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.model.origin import Origin
from opsconsole.model.source_id import SourceId


@dataclass(frozen=True, slots=True)
class FoundService:
    """A service as ``by`` found it on ``evidence``; ``service`` has set what was found of it."""

    name: str
    service: Service
    by: SourceId
    evidence: str


@dataclass(frozen=True, slots=True)
class Effective:
    """``left_out`` says why services that were found are not in ``settings``, by name."""

    settings: Settings
    left_out: Mapping[str, str]


def effective(declared: Settings, found: Iterable[FoundService]) -> Effective:
    """``declared`` with what was ``found``, where two found the same, by the first."""
    kept = list(found)
    left_out: dict[str, str] = {}
    while True:
        settings = _merged(declared, kept)
        wrong = _wrong(settings) if kept else {}
        if not wrong:
            return Effective(settings, left_out)
        names = {each.name for each in kept}
        # A circle through a declared service is no fault of that service.
        blamed = {name: why for name, why in wrong.items() if name in names} or dict.fromkeys(
            names, next(iter(wrong.values()))
        )
        left_out |= blamed
        kept = [each for each in kept if each.name not in blamed]


def _wrong(settings: Settings) -> dict[str, str]:
    """Why settings are not consistent, by the name of the service that it stands at."""
    plain = settings.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {str(path[1]): what for path, what, _ in check_references(plain) if len(path) > 1}


def _merged(declared: Settings, found: Iterable[FoundService]) -> Settings:
    services = dict(declared.services)
    for each in found:
        known = services.get(each.name)
        services[each.name] = _alone(each) if known is None else _filled(known, each)
    return declared.model_copy(update={"services": services})


def _alone(found: FoundService) -> Service:
    origin = Origin(declared=False, found_by=found.by, evidence=found.evidence)
    return _told(found.service, origin).of(origin)


def _filled(known: Service, found: FoundService) -> Service:
    """``known`` with the keys that only ``found`` has."""
    missing = found.service.model_fields_set - known.model_fields_set
    if not missing:
        return known
    origin = Origin(declared=False, found_by=found.by, evidence=found.evidence)
    given = _told(found.service, origin)
    filled = known.model_copy(update={key: getattr(given, key) for key in sorted(missing)})
    if known.origin.found_by is not None:
        return filled
    return filled.of(Origin(known.origin.declared, found.by, found.evidence))


def _told(service: Service, origin: Origin) -> Service:
    """``service`` with the origin of its instances."""
    instances = tuple(each.of(origin) for each in service.instances)
    if "instances" not in service.model_fields_set:
        return service
    return service.model_copy(update={"instances": instances})
