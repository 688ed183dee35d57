"""Modules compiled, as an installed program has them."""

import os


def installed(folder: str) -> dict[str, str | None]:
    """What to change in the environment so that compiled modules are kept in ``folder``, whatever
    is set here; the first start compiles them."""
    return {"PYTHONDONTWRITEBYTECODE": None, "PYTHONPYCACHEPREFIX": f"{folder}/compiled"}


def environment_with(changes: dict[str, str | None]) -> dict[str, str]:
    """This process' environment with ``changes``; None takes a name away."""
    changed = {**os.environ, **changes}
    return {name: value for name, value in changed.items() if value is not None}
