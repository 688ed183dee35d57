"""The keys of a configuration, compared with the keys that exist.

Invariant: imports no Textual; what passes leaves every key with one meaning and a way out.
"""

from collections.abc import Mapping
from pathlib import Path

from opsconsole.config.keymap import Bindings, check_keymap
from opsconsole.config.loader import positions
from opsconsole.render.frame.keys import VITAL, default_keys


def keymap_problems(keys: Mapping[str, str], path: Path | None) -> tuple[str, ...]:
    """``file:line: keys.ID: what is wrong`` for each problem; () when there is none."""
    problems = check_keymap(keys, Bindings(default_keys(), vital=VITAL)) if keys else ()
    if not problems or path is None:
        return problems
    tree = positions(path)
    return tuple(f"{tree.position(('keys', _id_of(line)))}: {line}" for line in problems)


def _id_of(line: str) -> str:
    return line.partition(":")[0].removeprefix("keys.")
