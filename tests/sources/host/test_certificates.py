"""Certificates in files of a host: what they say, when they end, and what is not understood."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from opsconsole.clock import SystemClock
from opsconsole.config.hosts import HostCertificates
from opsconsole.config.settings import Settings
from opsconsole.machines.machines import Machines
from opsconsole.model.certificate import DAY, Validity
from opsconsole.model.running.host_certificates import HostCertificate
from opsconsole.model.running.hosts import Host, HostView
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.render import place_page, places, resources
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import plain
from opsconsole.render.json.host_certificates import host_certificate
from opsconsole.sources.host.certificates import certificates_in
from opsconsole.sources.host.ssh import SshHostSource
from tests.servers.hosts import Fleet
from tests.ui import fleet
from tests.ui.fleet import NOW

AUTHORITY = trustme.CA()


def pem(*names: str, days: float) -> bytes:
    """A certificate and its key, as programs write them to one file."""
    ends = datetime.now(UTC) + timedelta(days=days)
    made = AUTHORITY.issue_cert(*names, common_name=names[0], not_after=ends)
    return made.private_key_and_cert_chain_pem.bytes()


def test_names_and_the_end_are_read_and_a_key_beside_them_is_not() -> None:
    (read,) = certificates_in(pem("shop.example", "*.shop.example", "10.0.0.7", "::1", days=9))
    assert read.subject == "shop.example"
    assert set(read.names) == {"shop.example", "*.shop.example", "10.0.0.7", "::1"}
    assert read.validity.ends == pytest.approx(time.time() + 9 * DAY, abs=3600)
    two = pem("a.example", days=9) + AUTHORITY.cert_pem.bytes()
    assert [each.subject == "a.example" for each in certificates_in(two)] == [True, False]


@given(st.binary(max_size=300))
def test_any_bytes_are_certificates_or_none(said: bytes) -> None:
    assert certificates_in(said) == []
    block = b"-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n"
    assert isinstance(certificates_in(block % said), list)


def held(days: float, **more: object) -> HostCertificate:
    validity = Validity(NOW - 100 * DAY, NOW + days * DAY)
    made = HostCertificate("/etc/a.pem", 14 * DAY, 3 * DAY, "a.example", ("a.example",), validity)
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("certificate", "state", "said"),
    [
        (held(15), State.OK, "certificate a.example ends in 15d"),
        (held(13), State.DEGRADED, "certificate a.example ends in 13d"),
        (held(2), State.DOWN, "certificate a.example ends in 2d"),
        (held(-1), State.DOWN, "certificate a.example expired 1d"),
        (held(9, first="Authority"), State.DEGRADED, "certificate Authority above a.example ends"),
        (held(9, validity=Validity(NOW + DAY, NOW + 9 * DAY)), State.DOWN, "holds only in 1d"),
        (held(0, validity=None, fault="is not there"), State.UNKNOWN, "/etc/a.pem is not there"),
    ],
)
def test_it_is_spoken_of_in_time_and_what_is_not_read_is_never_well(
    certificate: HostCertificate, state: State, said: str
) -> None:
    assert certificate.state(NOW) is state
    assert said in resources.certificate_words(certificate, NOW)
    assert host_certificate(certificate, NOW)["state"] == state.value
    host = replace(fleet.host(), name="web-1", certificates=(certificate,))
    snapshot = Snapshot(1, NOW, hosts=(HostView(host, NOW, 5.0, elsewhere=True),))
    (place,) = places.known(snapshot, NOW)
    assert (place.state is State.OK) is (state is State.OK)
    assert (said in place.trouble) is (state is not State.OK)
    page = plain([each.line for each in place_page.rows(snapshot, "place:web-1", 160, NOW)])
    assert "Certificates" in page
    assert "/etc/a.pem" in page
    assert f"up {figures.age(host.uptime)}" in page


def test_a_list_of_files_will_do_and_the_shorter_time_is_the_critical_one() -> None:
    assert HostCertificates.model_validate(["/a"]).files == ("/a",)
    assert HostCertificates.model_validate({"files": "/a", "warning": "30d"}).warning == 30 * DAY
    for wrong in (["a"], {"warning": "1d", "critical": "2d"}):
        with pytest.raises(ValidationError):
            HostCertificates.model_validate(wrong)


@pytest.fixture
def machines() -> Iterator[Machines]:
    machines = Machines()
    yield machines
    machines.close()


async def test_those_of_a_real_host_are_read_by_who_may(hosts: Fleet, machines: Machines) -> None:
    there = hosts["app-1"]
    there.add_user("reader")
    there.sh(
        'mkdir -p /etc/certificates && cd /etc/certificates && printf %s "$1" >soon.pem && '
        'printf %s "$2" >late.pem && chmod 600 late.pem && echo nothing >none.pem',
        pem("soon.example", days=5).decode(),
        pem("late.example", days=90).decode(),
    )
    folder = "/etc/certificates"
    files = [f"{folder}/{name}.pem" for name in ("soon", "late", "none", "absent")]

    async def read(login: str) -> dict[str, HostCertificate]:
        given = {"ssh": login, "ssh_config": str(there.ssh_config), "certificates": files}
        host = Settings.model_validate({"hosts": {"web-1": given}}).hosts["web-1"]
        source = SshHostSource(host, machines.over_ssh(host), SystemClock())
        try:
            seen: Host | None = None
            while seen is None or not seen.certificates:
                seen = (await source.collect()).value
                await asyncio.sleep(0.05)
            return {each.path.removeprefix(f"{folder}/"): each for each in seen.certificates}
        finally:
            await source.close()

    mine = await read("app-1")
    now = time.time()
    assert (mine["soon.pem"].subject, mine["soon.pem"].names) == ("soon.example", ("soon.example",))
    assert {name: each.state(now) for name, each in mine.items()} == {
        "soon.pem": State.DEGRADED,
        "late.pem": State.OK,
        "none.pem": State.UNKNOWN,
        "absent.pem": State.UNKNOWN,
    }
    assert mine["absent.pem"].fault == "is not there"
    theirs = await read("reader@app-1")
    assert theirs["soon.pem"].state(now) is State.DEGRADED
    assert "may not be read" in theirs["late.pem"].fault
