"""What a network of its own can start from."""

import json
from pathlib import Path

import pytest

from engine.resources import resource
from serstudio.own_base import own_base_reason


def test_the_bundled_base_of_a_system_holds_its_network() -> None:
    for method in ("fmaml", "multigate"):
        assert own_base_reason(method, str(resource(f"bases/{method}"))) is None
        assert own_base_reason(method, "compact") is None, "from there a system finds its own"
        assert own_base_reason(method, method) is None
    reason = own_base_reason("fmaml", str(resource("bases/multigate")))
    assert reason is not None
    assert reason.startswith("F-MAML starts from its own network, and multigate holds none of that kind")


@pytest.mark.parametrize("method", [None, "disjoint", "lda", "hgfm"])
def test_other_methods_start_from_any_base(method: str | None) -> None:
    assert own_base_reason(method, "/gone") is None


@pytest.mark.parametrize("config", [None, "{", "[]", '{"encoder": 3}', '{"encoder": {"extractor": {"kind": []}}}'])
def test_a_folder_that_tells_nothing_holds_no_such_network(tmp_path: Path, config: str | None) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config, encoding="utf-8")
    assert own_base_reason("fmaml", str(tmp_path)) is not None


def test_a_base_in_the_store_is_known_by_its_name(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SERSTUDIO_MODELS", str(tmp_path))
    folder = tmp_path / "my-fmaml"
    folder.mkdir()
    (folder / "store.json").write_text("{}", encoding="utf-8")
    (folder / "config.json").write_text(json.dumps({"encoder": {"extractor": {"kind": "fmaml"}}}), encoding="utf-8")
    assert own_base_reason("fmaml", "my-fmaml") is None
    assert own_base_reason("multigate", "my-fmaml") is not None
