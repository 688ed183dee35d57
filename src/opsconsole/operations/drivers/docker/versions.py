"""Which image a container goes back to.

Invariant: the image is on the engine, and its id is known before anything is planned; nothing is
pulled. Without a name it is the one that the container ran before as operations have seen it,
else the newest tag of the same repository that is older than the image that runs.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast
from urllib.parse import quote

from opsconsole.dataclass import dataclass
from opsconsole.operations.drivers.docker.engine import EngineCalls, Seen
from opsconsole.operations.drivers.previous_version import led_away, seen_before
from opsconsole.operations.driving.driver import ObserveError
from opsconsole.operations.journal.records import Past
from opsconsole.sources.json_fields import read_time
from opsconsole.text import sanitize

PREVIOUS: Final = "previous"

_TAGS_LIMIT: Final = 100
_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Version:
    """An image by id, the name to create a container with, and how it was found."""

    image_id: str
    name: str
    found: str


def short(image_id: str) -> str:
    """An image's id as facts and people know it."""
    return image_id.removeprefix("sha256:")[:12]


def image_fact(name: str) -> str:
    """The fact that says which image the container ``name`` runs."""
    return f"{name} image"


async def target_of(calls: EngineCalls, seen: Seen, wanted: str, past: tuple[Past, ...]) -> Version:
    """Where ``seen`` goes back to. Raises ObserveError."""
    repository, tag = split(seen.image)
    if wanted != PREVIOUS:
        name = f"{repository}{wanted}" if wanted.startswith(":") else wanted
        image = await _image(calls, name)
        if image is None:
            raise ObserveError(
                f"there is no image {sanitize(name, limit=_SHOWN)} on the engine",
                remedy="pull it there first, or name another one",
            )
        return Version(str(image["Id"]), name, "as the action says")
    fact, current = image_fact(seen.name), short(seen.image_id)
    for earlier in seen_before(past, fact, current):
        image = await _image(calls, earlier)
        if image is not None:
            name = _name(image, repository)
            return Version(str(image["Id"]), name, "what an earlier operation saw it run")
    left = led_away(past, fact)
    found = await _older_tag(calls, seen, left) if repository else None
    if found is None:
        raise ObserveError(
            f"which image {seen.name} ran before {seen.image} is not known",
            remedy=f"name it as image: in the action, such as {repository or 'name'}:tag",
        )
    return Version(str(found["Id"]), _name(found, repository), f"the tag before {tag or 'it'}")


def split(name: str) -> tuple[str, str]:
    """Repository and tag of an image's name; both '' for a bare id, no tag with a digest."""
    plain = name.partition("@")[0]
    if plain.startswith("sha256:"):
        return "", ""
    head, slash, last = plain.rpartition("/")
    repository, _, tag = last.partition(":")
    return f"{head}{slash}{repository}", tag


async def _older_tag(
    calls: EngineCalls, seen: Seen, left: frozenset[str]
) -> Mapping[str, Any] | None:
    current = await _image(calls, seen.image_id)
    made = read_time(current.get("Created")) if current else None
    if made is None:
        return None
    repository, _ = split(seen.image)
    filters = json.dumps({"reference": [repository]})
    listed = await calls.get("/images/json", {"filters": filters})
    ids = [str(item["Id"]) for item in cast(list[dict[str, Any]], listed or [])[:_TAGS_LIMIT]]
    images = [await _image(calls, each) for each in ids if short(each) not in left]
    older = [
        (at, image)
        for image in images
        if image is not None
        and image["Id"] != seen.image_id
        and (at := read_time(image.get("Created"))) is not None
        and at < made
    ]
    return max(older, key=lambda pair: pair[0])[1] if older else None


async def _image(calls: EngineCalls, name: str) -> Mapping[str, Any] | None:
    found = await calls.get(f"/images/{quote(name, safe='/:@')}/json")
    return cast(Mapping[str, Any], found) if isinstance(found, dict) else None


def _name(image: Mapping[str, Any], repository: str) -> str:
    """A tag of the same repository, or the id where it has none."""
    return next(_tags(image, repository), str(image["Id"]))


def _tags(image: Mapping[str, Any], repository: str) -> Iterator[str]:
    for tag in image.get("RepoTags") or ():
        if repository and split(str(tag))[0] == repository:
            yield str(tag)
