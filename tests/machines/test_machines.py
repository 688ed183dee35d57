"""A host is one machine for all who ask, and another one when it is reached otherwise."""

from opsconsole.config.settings import Settings
from opsconsole.machines.machines import Machines


def test_a_host_is_one_machine_until_it_is_reached_otherwise_or_gone() -> None:
    def settings(**hosts: object) -> Settings:
        return Settings.model_validate({"hosts": hosts})

    machines = Machines()
    first = settings(a="ops@a", b=None)
    a, b = (machines.of(first.hosts[name]) for name in "ab")
    assert a is machines.of(settings(a={"ssh": "ops@a", "interval": "9s"}).hosts["a"])
    assert (a.name, b.name, machines.of(first.host).name) == ("a", "b", "")
    other = machines.of(settings(a="root@a").hosts["a"])
    assert other is not a
    machines.retain({"a"})
    assert machines.of(first.hosts["b"]) is not b
    machines.close()
