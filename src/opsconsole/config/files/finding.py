"""Which configuration is meant when none, or one, is named.

Invariant: imports nothing but the standard library; looks whether a path exists and reads nothing.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

VARIABLE: Final = "OPSCONSOLE_CONFIG"
_SYSTEM: Final = Path("/etc/opsconsole/config.yaml")


def find(explicit: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file or folder to load: the first there is, in the order of the manual; else None.

    What is named by ``explicit`` or by $OPSCONSOLE_CONFIG is taken even if it does not exist, so
    that ``load`` can say so.
    """
    if explicit is not None:
        return explicit
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE])
    return next((path for path in _usual_places(environ) if path.exists()), None)


def _usual_places(environ: Mapping[str, str]) -> Iterator[Path]:
    yield Path("opsconsole.yaml")
    folder = environ.get("XDG_CONFIG_HOME") or ""
    home = environ.get("HOME") or ""
    if Path(folder).is_absolute():
        yield Path(folder, "opsconsole", "config.yaml")
    elif Path(home).is_absolute():
        yield Path(home, ".config", "opsconsole", "config.yaml")
    yield _SYSTEM
