"""What holds of every source, no matter who writes it."""

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Iterator

from typing_extensions import get_original_bases

import opsconsole.sources
from opsconsole.model.observations import Observation
from opsconsole.sources.base import Source


def classes() -> Iterator[type]:
    """Every class of the package that can be asked to look."""
    for module in pkgutil.walk_packages(opsconsole.sources.__path__, "opsconsole.sources."):
        for each in vars(importlib.import_module(module.name)).values():
            own = inspect.isclass(each) and each.__module__ == module.name
            if own and hasattr(each, "collect") and each is not Source:
                yield each


def test_each_names_the_protocol_so_that_it_is_checked_where_it_is_written() -> None:
    found = list(classes())
    assert found
    for source in found:
        assert Source in source.__mro__, f"{source.__qualname__} names no Source"


def test_each_gives_an_observation_and_each_observation_has_a_source() -> None:
    given = [
        typing.get_args(base)
        for source in classes()
        if not inspect.isabstract(source)
        for base in get_original_bases(source)
    ]
    assert {str(each) for each in given} == {str((each,)) for each in typing.get_args(Observation)}
