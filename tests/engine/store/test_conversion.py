"""Pickled weights: the same numbers as safetensors, and nothing but numbers."""

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from engine.errors import BaseError
from engine.store import conversion
from engine.store.conversion import converted
from engine.store.files import model_files
from tests.engine.store.conftest import tiny_state

CONVERTER = Path(conversion.__file__).with_name("convert.py")


def convert(folder: Path) -> dict[str, torch.Tensor]:
    for _ in converted(folder, model_files(folder)):
        pass
    return load_file(folder / "model.safetensors")


def test_the_same_weights_as_safetensors(pickled_folder: Path) -> None:
    weights = convert(pickled_folder)
    expected = tiny_state()
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert (pickled_folder / "pytorch_model.bin").exists()
    assert not list(pickled_folder.glob(".*"))


def test_types_shared_strided_empty_and_single_tensors(pickled_folder: Path) -> None:
    whole = torch.arange(12.0)
    tensors = {
        "whole": whole,
        "again": whole,
        "part": whole[2:5],
        "turned": whole.reshape(3, 4).T,
        "half": whole.half(),
        "brain": whole.bfloat16(),
        "counts": torch.arange(3),
        "yes": torch.tensor([True, False]),
        "empty": torch.zeros(0, 4),
        "single": torch.tensor(2.5),
    }
    torch.save(tensors, pickled_folder / "pytorch_model.bin")
    weights = convert(pickled_folder)
    assert all(torch.equal(weights[name], tensors[name]) for name in tensors)
    assert all(weights[name].dtype is tensors[name].dtype for name in tensors)


def test_the_format_from_before_torch_1_6(pickled_folder: Path) -> None:
    torch.save(tiny_state(1), pickled_folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    weights = convert(pickled_folder)
    assert torch.equal(weights["masked_spec_embed"], tiny_state(1)["masked_spec_embed"])


def test_several_files_become_one(pickled_folder: Path) -> None:
    state = tiny_state()
    names = sorted(state)
    (pickled_folder / "pytorch_model.bin").unlink()
    torch.save({name: state[name] for name in names[:9]}, pickled_folder / "pytorch_model-00001-of-00002.bin")
    torch.save({name: state[name] for name in names[9:]}, pickled_folder / "pytorch_model-00002-of-00002.bin")
    where = {name: f"pytorch_model-0000{1 + (i >= 9)}-of-00002.bin" for i, name in enumerate(names)}
    (pickled_folder / "pytorch_model.bin.index.json").write_text(
        f'{{"weight_map": {str(where).replace(chr(39), chr(34))}}}'
    )
    assert convert(pickled_folder).keys() == state.keys()


class Malicious:
    """Unpickling this runs a program that leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.system, (f"touch '{self.trace}'",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_malicious_pickle_does_not_run_and_is_refused_in_words(
    pickled_folder: Path, tmp_path: Path, zipped: bool
) -> None:
    trace = tmp_path / "trace"
    content = {"weight": torch.zeros(3), "trap": Malicious(trace)}
    path = pickled_folder / "pytorch_model.bin"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)

    with pytest.raises(BaseError, match="holds more than weights") as caught:
        convert(pickled_folder)

    assert "posix.system" in caught.value.message or "nt.system" in caught.value.message
    assert "as safetensors" in caught.value.hint
    assert not trace.exists()
    assert not list(pickled_folder.glob("*.safetensors")) + list(pickled_folder.glob(".*"))
    torch.load(path, weights_only=False)
    assert trace.exists(), "the trap was none"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ([torch.zeros(2)], "no list of weights"),
        ({"state_dict": {"weight": torch.zeros(2)}}, "'state_dict' in it is no plain tensor"),
        ({1: torch.zeros(2)}, "'1' in it is no plain tensor"),
        ({"weight": torch.zeros(2, dtype=torch.complex64)}, "'weight' in it is no plain tensor"),
        ({}, "no list of weights"),
    ],
)
def test_what_is_no_list_of_tensors_is_refused(pickled_folder: Path, content: object, why: str) -> None:
    path = pickled_folder / "pytorch_model.bin"
    torch.save(content, path)
    functions = runpy.run_path(str(CONVERTER))
    with pytest.raises(functions["RefusedError"], match=why):
        functions["tensors_of"](path)


def test_a_damaged_file_is_refused(pickled_folder: Path) -> None:
    path = pickled_folder / "pytorch_model.bin"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(BaseError, match="is damaged"):
        convert(pickled_folder)


@pytest.mark.parametrize(
    "attempt",
    [
        "import os; os.system('true')",
        "import subprocess; subprocess.run(['true'])",
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "open('{folder}/other', 'w')",
        "import os; os.open('{folder}/other', os.O_CREAT | os.O_WRONLY)",
        "import os; os.remove('{folder}/config.json')",
        "import os; os.rename('{folder}/config.json', '{folder}/gone')",
    ],
)
def test_the_converting_process_can_do_nothing_else(pickled_folder: Path, attempt: str) -> None:
    """Were unpickling to run something all the same, the process stops it."""
    program = (
        f"import runpy; functions = runpy.run_path({str(CONVERTER)!r}); from pathlib import Path\n"
        f"functions['lock'](Path({str(pickled_folder / 'out')!r}))\n"
        f"open({str(pickled_folder / 'out')!r}, 'wb').close()\n"
        f"{attempt.format(folder=pickled_folder)}"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True)
    assert "PermissionError" in done.stderr
    assert "is not allowed here" in done.stderr
    assert (pickled_folder / "out").exists()
    assert (pickled_folder / "config.json").exists()
    assert not (pickled_folder / "other").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_the_converting_process_has_limits() -> None:
    program = (
        f"import runpy, resource; runpy.run_path({str(CONVERTER)!r})['limit'](10**9)\n"
        "for kind in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU, resource.RLIMIT_CORE):\n"
        "    print(*resource.getrlimit(kind))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    limits = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert all(soft == hard for soft, hard in limits)
    assert [soft for soft, _ in limits[1:]] == [2 * 10**9 + 2**24, 1800, 0]
    assert 2 * 10**9 < limits[0][0] < 2 * 10**10


def test_it_can_be_stopped_midway(pickled_folder: Path) -> None:
    steps = converted(pickled_folder, model_files(pickled_folder))
    next(steps)
    steps.close()
    assert not list(pickled_folder.glob("*.safetensors")) + list(pickled_folder.glob(".*"))
    assert convert(pickled_folder)
