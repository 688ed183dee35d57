"""A staged incident: a new image leaks memory, the kernel kills it, and the console tells why.

Everything is real: the containers, the kernel's kill, the console on a terminal, its recording,
and the report that is exported from it by another process.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from opsconsole.demo import busybox
from opsconsole.demo.docker_engine import Engine
from opsconsole.demo.processes import answers_http, free_port
from tests.operations.place import end_waiting
from tests.patience import until
from tests.servers.engines import host_port
from tools.terminal import Terminal

pytestmark = [pytest.mark.terminal, pytest.mark.servers]

CONFIGURATION = """\
state_dir: {state}
environment: {{name: staging}}
host: {{enabled: false}}
docker: {{host: "{docker}", interval: 1s}}
services:
  front:
    instances: ["http://127.0.0.1:{front}"]
    health: {{path: /, expect: {{contains: version}}}}
    interval: 1s
  shop:
    instances: [{{url: "http://127.0.0.1:{shop}", container: staged-shop}}]
    health: {{path: /, expect: {{contains: version}}}}
    interval: 1s
    thresholds: {{failures: 3, successes: 1}}
    containers: staged-shop
    alerts:
      - {{name: ShopDown, when: state == down, for: 1s, severity: critical,
          summary: nobody can buy}}
"""

LEAK = """\
httpd -p 8080 -h /www
echo "ERROR cache: 48 MB are not enough, password=hunter2"
sleep 3
exec awk 'BEGIN { while (1) { kept[n++] = sprintf("%1999999s", ""); system("sleep 0.1") } }'
"""


def leaking_image(engine: Engine) -> str:
    """Version 2 of the engine's image, which leaks two megabytes every tenth of a second.

    It is of a repository of its own: what rolls back by itself looks for the tag before.
    """
    repository = f"{engine.repository}-leaking"
    engine.client().api.import_image_from_data(
        busybox.archive(2),
        repository=repository,
        tag="leaking",
        changes=["CMD " + json.dumps(["sh", "-c", LEAK]), "ENV PATH=/bin", "EXPOSE 8080"],
    )
    return f"{repository}:leaking"


def command(config: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "opsconsole", *words, "--config", str(config)]


def row_of(text: str, words: str) -> int:
    """The row of the screen on which ``words`` stand."""
    found = [number for number, line in enumerate(text.splitlines()) if words in line]
    assert found, f"{words!r} is not on the screen:\n{text}"
    return found[0]


def paragraphs(report: str) -> Sequence[str]:
    """What stands between the facts on top and the first section."""
    return report.split("\n## ")[0].strip().split("\n\n")[2:]


@pytest.fixture
def config(docker_sandbox: Engine, tmp_path: Path) -> Path:
    """A shop of version 1 that runs well, and a service beside it that has no part in it."""
    shop, front = free_port(), free_port()
    docker_sandbox.run("staged-shop", ports={8080: shop}, mem_limit="64m")
    docker_sandbox.run("staged-front", ports={8080: front})
    for port in (shop, front):
        until(lambda port=port: answers_http(port))  # type: ignore[misc]
    path = tmp_path / "opsconsole.yaml"
    path.write_text(
        CONFIGURATION.format(
            state=tmp_path / "state", docker=docker_sandbox.url, shop=shop, front=front
        )
    )
    return path


def test_a_new_image_that_leaks_is_found_out_and_told(
    docker_sandbox: Engine, config: Path, tmp_path: Path
) -> None:
    before, leaking = docker_sandbox.image(), leaking_image(docker_sandbox)
    argv = [sys.executable, "-m", "opsconsole", "--config", str(config)]
    with Terminal(argv, size=(160, 45), environment={"HOME": str(tmp_path)}) as terminal:
        terminal.until("2 ok")
        terminal.read(1.5)
        old = docker_sandbox.client().containers.get("staged-shop")
        port = host_port(old)
        old.remove(force=True)
        docker_sandbox.run("staged-shop", image=leaking, ports={8080: port}, mem_limit="48m")
        terminal.until("2 ok")
        terminal.until("out of memory")
        terminal.until("1 down")
        terminal.until("1 firing")
        terminal.until("ShopDown")

        terminal.press("w")
        terminal.until("What changed before shop went wrong")
        terminal.until(lambda text: {"1", "2"} <= {line[:4].strip() for line in text.splitlines()})
        text = terminal.text
        image, killed = row_of(text, f"image {before}"), row_of(text, "died, exit 137")
        assert image < killed, text
        assert "another image; " in text.splitlines()[image]
        assert "it ran out of memory; just before" in text.splitlines()[killed]
        assert text.splitlines()[image].split()[0] == "1", text
        made_anew = row_of(text, "re-created: command changed, memory limit changed")
        assert text.splitlines()[made_anew].split()[0] == "2", text
        assert text.splitlines()[killed].split()[0] == "3", text
        assert row_of(text, "ok → down") > killed

        terminal.press("Nthe new image leaks\r")
        terminal.until("noted for shop")
        terminal.press("\x1bt")
        terminal.until("the new image leaks")
        said = subprocess.run(
            command(config, "note", "back to the old one", "--service", "shop"), check=False
        )
        assert said.returncode == 0
        terminal.until("back to the old one")
        time.sleep(1.5)
        out = tmp_path / "report.md"
        written = command(config, "incident", "export", "--from", "-10m", "--out", str(out))
        subprocess.run(written, check=True)
        terminal.press("\x03\x03")
        terminal.wait(10)
    end_waiting(tmp_path / "state")
    tells_the_story(out.read_text(), before, leaking)


def tells_the_story(report: str, before: str, leaking: str) -> None:
    """The sentences say what, since when, why, what rang and what was done; the rest proves it."""
    what, why, rang, times, done = paragraphs(report)
    moment = r"\d\d:\d\d:\d\dZ"
    assert re.fullmatch(
        rf"`shop` went wrong at {moment} on \S+; at its worst it was down, and it was still wrong"
        rf" \d+s later, when this report ends\.( It was wrong as well .*)?"
        r" No other service (connected with it )?was"
        r" affected\.",
        what,
    ), what
    changed = f"image {before} → {leaking} of `staged-shop` at "
    assert why.startswith(f"The likeliest cause is what changed before: {changed}"), why
    assert "(another image; the service itself; " in why
    assert "died, exit 137, out of memory of `staged-shop` at " in why, why
    assert re.match(r"1 alert fired \(`ShopDown`\), the first \d+s after it went wrong\.", rang), (
        rang
    )
    assert "Still firing at the end: `ShopDown`." in rang
    assert re.fullmatch(
        r"Times: an alert fired after \d+s \(`ShopDown`\), not acknowledged, not resolved when this"
        r" report ends\.",
        times,
    ), times
    assert done == "Nothing was done from a console."
    assert "the new image leaks" in report
    assert "back to the old one" in report
    assert re.search(r"^state +[· ]*[·▲]+.*✖", report, re.MULTILINE), report
    assert re.search(r"^memory .*\(the limit\)", report, re.MULTILINE), report
    assert "ERROR cache: 48 MB are not enough, password=[secret]" in report, report
    assert "hunter2" not in report
