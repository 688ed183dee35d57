"""What was looked for now, with all of a configuration that no look could have found. Pure.

Invariant: every line of the configuration's parts that are kept is there as it was written, and
after the part that it followed; nothing is both kept and offered.
"""

from collections.abc import Collection, Iterator

from opsconsole.config.files.problems import KeyPath
from opsconsole.config.files.yaml_tree import read_tree

_Part = tuple[KeyPath, list[str]]


def with_kept(before: str, found: str, services: Collection[str]) -> str:
    """``found`` with every part of ``before`` but its services, of which ``services`` are kept.

    Raises TreeError where one of them is no tree.
    """
    written, made = list(_parts(before)), list(_parts(found))
    kept: set[KeyPath] = {path for path, _ in written if len(path) == 1 and path[0] != "services"}
    kept |= {("services", name) for name in services}
    offers = tuple(f"#{path[0]}:" for path in kept if len(path) == 1)
    made = [
        (path, [line for line in lines if path or not line.startswith(offers)])
        for path, lines in made
        if path not in kept
    ]
    if services:
        made = [
            (path, ["services:", *lines[1:]] if path == ("services",) else lines)
            for path, lines in made
        ]
    known = {path for path, _ in made}
    last: KeyPath = ()
    for path, lines in written:
        if path in kept:
            at = next((n for n, (each, _) in enumerate(made) if each == last), -1) + 1
            if len(path) == 1:
                # Between the services of one mapping there is room for none but them.
                while 0 < at < len(made) and len(made[at][0]) == 2:
                    at += 1
            made.insert(at, (path, lines))
        elif path not in known:
            continue
        last = path
    return "".join(f"{line}\n" for _, lines in made for line in lines)


def _parts(text: str) -> Iterator[_Part]:
    """What is above the first key, each key, and each service; with the lines that follow it."""
    positions = read_tree(text, "").positions
    begins = sorted(
        (position.line, path)
        for path, position in positions.items()
        if len(path) == 1 or (len(path) == 2 and path[0] == "services")
    )
    lines = text.splitlines()
    # A mapping in one line is one part.
    begins = [each for n, each in enumerate(begins) if n == 0 or each[0] != begins[n - 1][0]]
    ends = [line - 1 for line, _ in begins[1:]] + [len(lines)]
    yield (), lines[: begins[0][0] - 1 if begins else len(lines)]
    for (line, path), end in zip(begins, ends, strict=True):
        yield path, lines[line - 1 : end]
