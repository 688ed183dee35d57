"""The pages made from the program: current, whole, and read by the programs they are for."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from opsconsole.render.frame.keys import KEYS
from tools.keys_page import key_reference
from tools.pages import DOCS, documented, parsers

RENEW = "renew it by: make pages"


def test_the_page_of_keys_is_current_and_has_each_key() -> None:
    page = (DOCS / "keys.md").read_text("utf-8")

    assert page == key_reference(), RENEW
    for key in KEYS:
        assert f"| `{key.id}` |" in page


@pytest.mark.parametrize("name", ["man/opsconsole.1", "completion/opsconsole.bash",
                                  "completion/_opsconsole"])  # fmt: skip
def test_no_command_and_no_option_is_missing(name: str) -> None:
    page = (DOCS / name).read_text("utf-8").replace("\\-", "-")

    for parser in parsers(documented()):
        assert parser.prog.rpartition(" ")[2] in page, RENEW
        for option in parser._option_string_actions:
            if option.startswith("--") and option != "--help":
                assert option in page, f"{option}: {RENEW}"


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff here")
def test_the_manual_page_is_sound() -> None:
    page = DOCS / "man/opsconsole.1"
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", str(page)], capture_output=True, text=True, check=True
    )

    assert done.stderr == ""
    assert "Changes: 0 verified, 1 failed, 2 refused, 3 inconclusive." in done.stdout


def complete(words: list[str], config: Path) -> set[str]:
    """What bash offers for the last of ``words``."""
    script = f"""
source {DOCS / "completion/opsconsole.bash"}
COMP_WORDS=({" ".join(repr(word) for word in words)})
COMP_CWORD={len(words) - 1}
_shtab_opsconsole
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    places = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True,
        env={"PATH": places, "OPSCONSOLE_CONFIG": str(config), "HOME": os.environ["HOME"]},
    )  # fmt: skip
    return set(done.stdout.split())


def test_bash_completes_commands_options_and_the_services_of_the_configuration(
    tmp_path: Path,
) -> None:
    config = tmp_path / "opsconsole.yaml"
    config.write_text("services: {shop: {instances: http://127.0.0.1:1}, shed: {}}\n")

    assert complete(["opsconsole", "resta"], config) == {"restart"}
    assert "--low-bandwidth" in complete(["opsconsole", "--low"], config)
    assert complete(["opsconsole", "restart", "sh"], config) == {"shop", "shed"}
