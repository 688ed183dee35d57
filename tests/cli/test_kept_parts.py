"""What no look could have found stays where it was written, whatever was found beside it."""

from hypothesis import given
from hypothesis import strategies as some

from opsconsole.cli.kept_parts import with_kept
from opsconsole.config.files.yaml_tree import read_tree

names = some.lists(some.sampled_from("abcdef"), unique=True, max_size=5)


def document(keys: list[str], services: list[str], by: str) -> str:
    inner = "".join(f"  {name}:\n    team: {by}\n" for name in services)
    return "".join(
        [
            f"# {by}\n#docker: offered\n",
            *(f"{key}: {by}\n" for key in keys),
            f"services:\n{inner}" if services else "services: {}\n",
        ]
    )


@given(
    keys=some.lists(some.sampled_from(["docker", "theme", "x"]), unique=True),
    written=names,
    found=names,
    kept=names,
    end=some.sampled_from(["", "z: written\n"]),
)
def test_all_that_is_kept_is_there_once_and_as_it_was(
    keys: list[str], written: list[str], found: list[str], kept: list[str], end: str
) -> None:
    services = [each for each in kept if each in written and each not in found]
    before = document(keys, written, "written") + end
    made = with_kept(before, document([], found, "found"), services)
    value = read_tree(made, "").value
    stands = dict.fromkeys((*keys, *(["z"] if end else [])), "written")
    wanted = {name: {"team": "found"} for name in found}
    wanted |= {name: {"team": "written"} for name in services}
    assert value == {**stands, "services": wanted}
    assert ("#docker: offered" in made) is ("docker" not in keys)
    assert with_kept(before, made, services) == made


def test_nothing_found_beside_what_is_kept_changes_nothing() -> None:
    before = "theme: dark\nservices:\n  a: {}\n  # of b\n  b: {}\nkeys: {}\n"
    assert with_kept(before, "services: {}\n", ["a", "b"]) == before
