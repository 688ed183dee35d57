"""Why an engine could not start a container, in a few words. Pure.

Invariant: the innermost cause is kept, as the engine named it where its shape is not known; what
passed it on (shims, runtimes, drivers) is left out. It is never empty for an error that is not.

Shape: ``State.Error`` of ``GET /containers/{id}/json``: causes of Go, the outermost first, each
before ``: ``.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

_PASSED_ON: Final = re.compile(
    r".*(?:unable to start container process|OCI runtime \w+ failed|runc \w+ failed"
    r"|failed to create (?:shim )?task(?: for container)?|error during container init"
    r"|on endpoint [^:]*|Error starting userland proxy|invalid mount config for type \S+"
    r"|error while creating mount source path \S+): (?=\S)",
    re.DOTALL,
)
_ENDS: Final = re.compile(r"(?:: unknown|\.)+$")

_Words = Callable[[re.Match[str]], str]
_KNOWN: Final[Sequence[tuple[re.Pattern[str], _Words]]] = (
    (
        re.compile(r"bind(?: for)? .*?:(\d+) failed: port is already allocated", re.IGNORECASE),
        lambda found: f"port {found[1]} taken",
    ),
    (
        re.compile(r"listen \w+ \S*:(\d+): bind: address already in use"),
        lambda found: f"port {found[1]} taken",
    ),
    (
        re.compile(r"bind (?:host )?port (?:\S*:)?(\d+)(?:/\w+)?\S* .*address already in use"),
        lambda found: f"port {found[1]} taken",
    ),
    (
        re.compile(r'exec: "(.+?)": (?:executable file not found|stat .*no such file)'),
        lambda found: f"no program {found[1]}",
    ),
    (
        re.compile(r'exec:? "(.+?)":.*permission denied'),
        lambda found: f"{found[1]} may not be executed",
    ),
    (
        re.compile(r"bind source path does not exist: (\S+)"),
        lambda found: f"{found[1]} to mount is missing",
    ),
    (re.compile(r"^network (\S+) not found"), lambda found: f"network {found[1]} is missing"),
)  # fmt: skip


def start_error(said: str) -> str:
    """The cause in what an engine ``said``, which is sanitised already; '' for ''."""
    for pattern, words in _KNOWN:
        found = pattern.search(said)
        if found is not None:
            return words(found)
    inner = _PASSED_ON.sub("", said, count=1)
    return _ENDS.sub("", inner) or said
