"""Requests and the use-cases that do them."""

from importlib import import_module
from typing import get_args

from serstudio.usecases import dispatch


def test_every_request_has_its_use_case() -> None:
    assert set(get_args(dispatch.Request)) == set(dispatch.USECASES)


def test_every_use_case_is_where_it_is_said_to_be() -> None:
    for place in dispatch.USECASES.values():
        module, function = place.split(":")
        assert callable(getattr(import_module(module), function))
