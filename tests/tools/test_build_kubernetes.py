"""Building Kubernetes' servers: what is generated, and what is said where it cannot be built."""

from pathlib import Path

import pytest

from tools.build_kubernetes import build_kubernetes, marked
from tools.debian import FetchError


def test_packages_that_ask_for_a_description_are_named_as_go_names_them(tmp_path: Path) -> None:
    asks = "// +k8s:openapi-gen=true\npackage v1\n"
    for path, text in {
        "pkg/version/types.go": asks,
        "pkg/version/more.go": asks,
        "pkg/silent/types.go": "package silent\n",
        "pkg/notes/types.txt": asks,
        "staging/src/k8s.io/api/apps/v1/types.go": asks,
        "staging/src/k8s.io/metrics/v1/types.go": asks,
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert marked(tmp_path, ["pkg", "staging/src/k8s.io/api"]) == [
        "k8s.io/kubernetes/pkg/version",
        "k8s.io/kubernetes/vendor/k8s.io/api/apps/v1",
    ]


@pytest.mark.parametrize(
    ("there", "wanted"),
    [((), "apt-get install dpkg-dev"), (("dpkg-source",), "apt-get install gcc libc6-dev")],
)
def test_without_what_it_builds_with_it_says_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], wanted: str
) -> None:
    for name in there:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match=wanted):
        build_kubernetes(tmp_path / "tree", tmp_path / "made")
    assert not (tmp_path / "made").exists()
