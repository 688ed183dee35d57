"""Files of another host, backed up to the console's own and put back: on a real one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opsconsole.model.operation import ActionKind, OperationState
from opsconsole.operations.backups.catalogue import backups
from opsconsole.operations.backups.store import Store
from opsconsole.operations.driving.driver import ObserveError
from opsconsole.operations.running.verification import Verdict
from tests.operations.cut_lines import Messages, Site
from tests.servers.hosts import Fleet, Host

K, S = ActionKind, OperationState
QUICK = {"min_healthy": "100ms", "deadline": "60s"}
MAKE = r"""
rm -rf /srv/kept; mkdir -p /srv/kept/data/empty "/srv/kept/data/a b"; cd /srv/kept
printf 'TOKEN=s3cret-value\n' >.env; chmod 640 .env; chown 4711:4712 .env
head -c 300000 /dev/urandom >data/large; : >data/nothing; ln data/large data/same
ln -s large data/link; mkfifo data/fifo; chmod 750 data/empty
echo x >"data/a b/$(printf 'odd\\n\nname')"; echo y >data/-dash
ln -s nowhere "data/dangling"; touch -d '2001-02-03 04:05:06.789' data/nothing
"""
STATE = (
    "cd /srv/kept && find .env data -printf '%y %m %U:%G %s %T@ %l %n %p\\n' | grep -v '^p' | sort"
    " && find data .env -type f -print0 | sort -z | xargs -0 sha256sum"
)
SPOIL = (
    "cd /srv/kept; echo TOKEN=other >.env; rm -r data/a*; echo z >data/large; echo new >data/new"
)


@pytest.fixture
def host(hosts: Fleet) -> Host:
    host = hosts["app-1"]
    host.sh(MAKE)
    return host


@pytest.fixture
def site(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    site = Site(host, tmp_path, Messages(monkeypatch))
    yield site
    site.threads.close()


Does = Callable[..., object]


async def does(site: Site, kind: ActionKind, *paths: str, secret: bool = False) -> Verdict:
    declared = {"paths": list(paths or ("/srv/kept/.env", "/srv/kept/data")), "secret": secret}
    actions = {"backup": {"files": declared, **QUICK}, "restore": {"backup": "latest", **QUICK}}
    return await site.performs(actions, kind)


def store_of(site: Site) -> Store:
    return Store(site.store, site.folder / "state")


async def test_what_was_backed_up_is_put_back_as_it_was(site: Site, host: Host) -> None:
    before = host.sh(STATE)
    made = await does(site, K.BACKUP)
    assert made.state is S.VERIFIED, made
    (listed,) = backups(store_of(site), "web")
    assert listed.whole
    assert listed.host == "app-1"
    assert not listed.fuzzy
    host.sh(SPOIL)
    assert host.sh(STATE) != before
    restored = await does(site, K.RESTORE)
    assert restored.state is S.VERIFIED, restored
    assert host.sh(STATE) == before
    kept = host.sh("ls -A /srv/kept; cat /srv/kept/.env.before-*").split()
    assert "TOKEN=other" in kept
    assert not [each for each in kept if ".restore-" in each]


async def test_a_secret_is_private_throughout_and_shown_nowhere(site: Site, host: Host) -> None:
    made = await does(site, K.BACKUP, "/srv/kept/.env", secret=True)
    assert made.state is S.VERIFIED
    for path in store_of(site).path.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0
    host.sh("echo lost >/srv/kept/.env")
    restored = await does(site, K.RESTORE, "/srv/kept/.env", secret=True)
    assert restored.state is S.VERIFIED
    assert "s3cret-value" not in str((made, restored))
    assert host.sh("stat -c '%a %u' /srv/kept/.env; cat /srv/kept/.env").split() == [
        "600", "4711", "TOKEN=s3cret-value",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "path", "said"),
    [
        ("chmod 777 /srv/kept", "/srv/kept/.env", "chmod go-w /srv/kept"),
        ("ln -s .env /srv/kept/link", "/srv/kept/link", "is a symlink"),
        (":", "/srv/kept/absent", "is not on app-1"),
        (
            "ln -s /srv/kept /srv/kept/way; chown -h 4711 /srv/kept/way",
            "/srv/kept/way/.env",
            "4711",
        ),
    ],
)
async def test_what_others_could_exchange_is_refused(
    site: Site, host: Host, spoil: str, path: str, said: str
) -> None:
    host.sh(spoil)
    with pytest.raises(ObserveError) as raised:
        await does(site, K.BACKUP, path)
    assert said in str(raised.value)


async def test_a_disk_without_room_leaves_what_was_there(site: Site, host: Host) -> None:
    host.sh("mkdir -p /run/small && mount -t tmpfs -o size=600k,mode=755 none /run/small")
    try:
        host.sh("head -c 400000 /dev/urandom >/run/small/file")
        assert (await does(site, K.BACKUP, "/run/small/file")).state is S.VERIFIED
        before = host.sh("sha256sum /run/small/file; ls -A /run/small")
        restored = await does(site, K.RESTORE, "/run/small/file")
        assert restored.state is S.FAILED
        assert "nothing was replaced" in restored.summary
        assert host.sh("sha256sum /run/small/file; ls -A /run/small") == before
    finally:
        host.sh("umount -l /run/small")


HOSTILE = r"""#!/bin/sh
case $1 in --version) echo 'tar (GNU tar) 1.34'; exit;; esac
cd /run/bad && exec /bin/tar -c -P --transform='s,^a$,../../escaped,' -f - .env a
"""
LIAR = r"""#!/bin/sh
case $1 in --version) echo 'tar (GNU tar) 1.34'; exit;; esac
cd /run/bad && exec /bin/tar -c -f - .env
"""


@pytest.mark.parametrize(("tar", "said"), [(HOSTILE, "outside"), (LIAR, "hold still")])
async def test_what_its_programs_make_up_is_no_backup(
    site: Site, host: Host, tar: str, said: str
) -> None:
    host.sh("mkdir -p /run/bad; echo lie >/run/bad/.env; echo x >/run/bad/a")
    host.sh('printf "%s" "$1" >/usr/local/sbin/tar; chmod 755 /usr/local/sbin/tar', tar)
    try:
        made = await does(site, K.BACKUP, "/srv/kept/.env")
    finally:
        host.sh("rm -f /usr/local/sbin/tar")
    if said == "outside":
        assert made.state is S.FAILED
        assert not backups(store_of(site), "web")
    else:
        # The hash that the host counts is another one, so that it is not called whole.
        assert any("changed while it was copied" in each for each in made.evidence), made


async def test_a_backup_of_another_host_is_not_put_back(
    site: Site, host: Host, hosts: Fleet
) -> None:
    assert (await does(site, K.BACKUP, "/srv/kept/.env")).state is S.VERIFIED
    site.host = hosts["app-2"]
    site.host.sh(MAKE)
    with pytest.raises(ObserveError, match="was made on app-1, this is app-2"):
        await does(site, K.RESTORE, "/srv/kept/.env")
