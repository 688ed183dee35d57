"""Each platform is recognised by each of its signs, and nothing by none."""

from collections.abc import Collection, Mapping

import pytest

from opsconsole.sources.host.platform import describe_limits, recognise

KUBERNETES = "/var/run/secrets/kubernetes.io"
DOCKER = "/.dockerenv"
GIB = 1 << 30


def recognised(environ: Mapping[str, str], files: Collection[str] = ()) -> str:
    return recognise(environ, lambda path: path in files)


@pytest.mark.parametrize(
    ("name", "platform"),
    [
        ("CODESPACES", "GitHub Codespaces"),
        ("AWS_REGION", "AWS"),
        ("AWS_LAMBDA_FUNCTION_NAME", "AWS"),
        ("GOOGLE_CLOUD_PROJECT", "Google Cloud"),
        ("GCLOUD_PROJECT", "Google Cloud"),
        ("AZURE_RESOURCE_GROUP", "Azure"),
        ("WEBSITE_SITE_NAME", "Azure"),
        ("DYNO", "Heroku"),
        ("HEROKU_APP_NAME", "Heroku"),
        ("RAILWAY_ENVIRONMENT", "Railway"),
        ("VERCEL_ENV", "Vercel"),
        ("VERCEL_URL", "Vercel"),
        ("DOCKER_CONTAINER", "in a container"),
    ],
)
def test_every_variable_is_a_sign(name: str, platform: str) -> None:
    assert recognised({name: "true"}) == platform
    assert recognised({name: ""}) == ""


@pytest.mark.parametrize(
    ("path", "platform"), [(KUBERNETES, "Kubernetes"), (DOCKER, "in a container")]
)
def test_every_file_is_a_sign(path: str, platform: str) -> None:
    assert recognised({}, [path]) == platform


@pytest.mark.parametrize("word", ["false", "0", "no", "off", " False "])
def test_a_false_flag_is_no_sign(word: str) -> None:
    assert recognised({"CODESPACES": word, "DOCKER_CONTAINER": word}) == ""


def test_all_that_is_recognised_is_told_the_containers_last() -> None:
    found = recognised({"AWS_REGION": "eu-1"}, [DOCKER, KUBERNETES])

    assert found == "AWS, Kubernetes, in a container"


def test_values_are_not_shown() -> None:
    assert "secret" not in recognised({"VERCEL_URL": "secret", "DYNO": "secret"})


def test_a_plain_machine_is_nothing_in_particular() -> None:
    assert recognised({"HOME": "/root", "PATH": "/bin"}) == ""


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, ""),
        ({"memory.max": "max\n", "cpu.max": "max 100000\n"}, ""),
        ({"memory.max": f"{2 * GIB}\n"}, "limited to 2.0 GiB of memory"),
        ({"cpu.max": "150000 100000\n"}, "limited to 1.5 of 4 cores"),
        (
            {"memory.max": f"{GIB}\n", "cpu.max": "50000 100000\n"},
            "limited to 1.0 GiB of memory and 0.5 of 4 cores",
        ),
        ({"memory/memory.limit_in_bytes": f"{GIB}"}, "limited to 1.0 GiB of memory"),
        ({"memory/memory.limit_in_bytes": "9223372036854771712"}, ""),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, ""),
        (
            {"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"},
            "limited to 2.0 of 4 cores",
        ),
        ({"cpu.max": "garbage", "memory.max": "lots"}, ""),
        ({"cpu.max": "800000 100000"}, ""),
    ],
)
def test_limits_of_both_versions_of_control_groups(files: dict[str, str], told: str) -> None:
    assert describe_limits(files.get, memory=8 * GIB, cores=4) == told
