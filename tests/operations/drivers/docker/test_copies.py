"""What a container would be created from to be the same again."""

from typing import Any

import pytest

from opsconsole.operations.drivers.docker.copies import copy_of, of_its_own, published

_ID = "0123456789ab" + "c" * 52
_IMAGE: dict[str, Any] = {
    "Config": {
        "Cmd": ["serve", "--broken"],
        "Entrypoint": None,
        "Env": ["PATH=/bin", "RELEASE=2"],
        "Labels": {"version": "2"},
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/cache": {}},
        "WorkingDir": "/app",
    }
}


def _container(**more: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "Id": _ID,
        "Config": {
            **_IMAGE["Config"],
            "Hostname": _ID[:12],
            "Image": "web:2",
            "Env": ["MODE=production", "PATH=/bin", "RELEASE=2"],
            "Labels": {"version": "2", "team": "search"},
        },
        "HostConfig": {"NetworkMode": "default"},
        "NetworkSettings": {"Networks": {"bridge": {"NetworkID": "b1", "Aliases": None}}},
        "Mounts": [],
    }
    for key, value in more.items():
        document[key] = {**document[key], **value} if isinstance(value, dict) else value
    return document


def test_what_was_taken_over_from_the_image_is_left_to_the_image_of_the_copy() -> None:
    body = copy_of(_container(), _IMAGE, "web:1").body
    assert body["Image"] == "web:1"
    assert body["Env"] == ["MODE=production"]
    assert body["Labels"] == {"team": "search"}
    assert not {"Cmd", "Entrypoint", "WorkingDir", "Hostname"} & set(body)
    assert body["ExposedPorts"] == body["Volumes"] == {}


def test_what_was_said_at_the_creation_is_said_again() -> None:
    own = {"Cmd": ["serve", "--quick"], "Hostname": "web", "WorkingDir": "/other"}
    body = copy_of(_container(Config=own), _IMAGE, "web:1").body
    assert {key: body[key] for key in own} == own


def test_the_image_s_command_stays_beside_an_entrypoint_of_one_s_own() -> None:
    own = {"Entrypoint": ["/wrap"], "Cmd": _IMAGE["Config"]["Cmd"]}
    body = copy_of(_container(Config=own), _IMAGE, "web:1").body
    assert (body["Entrypoint"], body["Cmd"]) == (own["Entrypoint"], own["Cmd"])


def test_volumes_without_a_name_keep_what_they_hold_but_are_not_shared_with_a_sister() -> None:
    container = _container(
        HostConfig={
            "Binds": ["/srv:/srv:ro", "named:/data"],
            "Mounts": [{"Type": "volume", "Target": "/mounted"}],
        },
        Mounts=[
            {"Type": "bind", "Source": "/srv", "Destination": "/srv", "RW": False},
            {"Type": "volume", "Name": "named", "Destination": "/data", "RW": True},
            {"Type": "volume", "Name": "f00", "Destination": "/cache", "RW": True},
            {"Type": "volume", "Name": "f01", "Destination": "/mounted", "RW": True},
        ],
    )
    copy = copy_of(container, _IMAGE, "web:1")
    host = copy.body["HostConfig"]
    assert host["Binds"] == ["/srv:/srv:ro", "named:/data", "f00:/cache"]
    assert host["Mounts"] == [{"Type": "volume", "Target": "/mounted", "Source": "f01"}]
    sister = of_its_own(copy, container).body["HostConfig"]
    assert sister["Binds"] == ["/srv:/srv:ro", "named:/data"]
    assert sister["Mounts"] == [{"Type": "volume", "Target": "/mounted"}]


def test_ports_that_the_engine_chose_stay_what_they_are() -> None:
    container = _container(
        HostConfig={
            "PortBindings": {
                "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}],
                "81/tcp": [{"HostIp": "", "HostPort": "8081"}],
            }
        },
        NetworkSettings={
            "Ports": {
                "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "49153"}],
                "81/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8081"}],
                "82/tcp": [{"HostIp": "0.0.0.0", "HostPort": "49154"}],
                "83/tcp": None,
            }
        },
    )
    assert published(container) == {
        "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "49153"}],
        "81/tcp": [{"HostIp": "", "HostPort": "8081"}],
        "82/tcp": [{"HostIp": "", "HostPort": "49154"}],
    }


def test_networks_keep_aliases_and_fixed_addresses_but_nothing_the_engine_chose() -> None:
    fixed = {"IPv4Address": "10.1.0.7"}
    networks = {
        "back": {"NetworkID": "n2", "Aliases": ["db", _ID[:12]], "IPAddress": "10.2.0.3"},
        "front": {"NetworkID": "n1", "Aliases": None, "IPAMConfig": fixed, "MacAddress": "02:42"},
    }
    container = _container(
        HostConfig={"NetworkMode": "front"}, NetworkSettings={"Networks": networks}
    )
    copy = copy_of(container, _IMAGE, "web:1")
    first = copy.body["NetworkingConfig"]["EndpointsConfig"]
    assert first == {"front": {"IPAMConfig": fixed}}
    assert copy.networks == {"back": {"Aliases": ["db"]}}


@pytest.mark.parametrize("mode", ["host", "none", "container:abc"])
def test_a_network_of_somebody_else_is_connected_to_nothing(mode: str) -> None:
    copy = copy_of(_container(HostConfig={"NetworkMode": mode}), _IMAGE, "web:1")
    assert "NetworkingConfig" not in copy.body
    assert not copy.networks


def test_links_are_told_as_they_were() -> None:
    container = _container(HostConfig={"Links": ["/db:/web/store"]})
    assert copy_of(container, _IMAGE, "web:1").body["HostConfig"]["Links"] == ["db:store"]
