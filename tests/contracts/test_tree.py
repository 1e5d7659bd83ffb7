"""Rules of the tree that no import contract can hold."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CODE = [path for package in ("engine", "serstudio") for path in sorted((REPOSITORY / package).rglob("*.py"))]
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
# Calls that unpickle, or that write what only unpickling can read.
UNPICKLING_CALLS = {("torch", "load"), ("torch", "save"), ("pandas", "read_pickle"), ("torch", "hub")}
# The one program that reads pickled weights: tensors only, in a process that can do nothing else.
CONVERTER = REPOSITORY / "engine" / "store" / "convert.py"


def test_packaging_is_no_package() -> None:
    """`packaging/__init__.py` would shadow the package of that name that pip and pytest import."""
    assert not (REPOSITORY / "packaging" / "__init__.py").exists()
    program = "import packaging.version; print(packaging.__file__)"
    found = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert not Path(found.stdout.strip()).is_relative_to(REPOSITORY / "packaging")


def test_resources_hold_no_code() -> None:
    assert not list((REPOSITORY / "resources").rglob("*.py"))


def _texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the repository; what is installed or built is not walked through."""
    skipped = {".venv", ".git", "__pycache__", "build", "dist"}
    for parent, folders, names in os.walk(REPOSITORY):
        folders[:] = [name for name in folders if name not in skipped and not name.endswith("_cache")]
        for path in (Path(parent) / name for name in names):
            if path.suffix not in {".ogg", ".otf", ".png", ".safetensors"}:
                yield path, path.read_text(encoding="utf-8", errors="replace")


def test_no_package_registry_is_named() -> None:
    """Where packages come from is the machine's setting, not the project's."""
    hosts = re.compile(r"\b(?:pypi|pythonhosted|npmjs|anaconda|debian|download\.pytorch)\.(?:org|com|io)\b")
    named = [
        f"{path.relative_to(REPOSITORY)}: {found[0]}"
        for path, text in _texts()
        for found in hosts.finditer(text)
        if path.name != "LICENSE"
    ]
    assert named == []
    options = re.compile(r"--(?:extra-)?index-url|--find-links|--trusted-host")
    assert [str(path) for path, text in _texts() if options.search(text) and path != Path(__file__)] == []


def _unpickling(tree: ast.AST) -> Iterator[str]:
    imported = [each for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names]
    called = {each.asname: each.name for each in imported if each.asname}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                parts = [(each.name, *each.name.split(".")) for each in names]
                yield from (whole for whole, *each in parts if each[0] in UNPICKLERS or tuple(each) in UNPICKLING_CALLS)
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in UNPICKLERS:
                yield module
            case ast.ImportFrom(module=str(module), names=names):
                package = module.split(".")[0]
                yield from (f"{module}.{each.name}" for each in names if (package, each.name) in UNPICKLING_CALLS)
            case ast.Attribute(value=ast.Name(id=owner), attr=attr) if (
                called.get(owner, owner),
                attr,
            ) in UNPICKLING_CALLS:
                yield f"{called.get(owner, owner)}.{attr}"
            case ast.keyword(arg="allow_pickle" | "trust_remote_code", value=ast.Constant(value=True)):
                yield str(node.arg)


def test_nothing_is_unpickled() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}: {what}"
        for path in CODE
        for what in _unpickling(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert len(CODE) > 50
    assert found == [f"{CONVERTER.relative_to(REPOSITORY)}: torch.load"]


def test_pickled_weights_are_read_as_tensors_only_and_in_a_process_of_their_own() -> None:
    tree = ast.parse(CONVERTER.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"]
    assert [ast.unparse(each.value) for call in calls for each in call.keywords if each.arg == "weights_only"] == [
        "True"
    ]
    importing = re.compile(r"(?:from|import)\s+[\w.]*\bstore(?:\.|\s+import\s+(?:.*\b)?)convert\b")
    assert [path for path in CODE if importing.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    "planted",
    [
        "import pickle",
        "from pickle import loads",
        "import torch\ntorch.load('x')",
        "import torch as t\nt.load('x')",
        "import torch.hub",
        "from torch.serialization import load",
        "import pandas as pd\npd.read_pickle('x')",
        "from pandas import read_pickle",
        "from torch import load",
        "np.load('x', allow_pickle=True)",
        "AutoModel.from_pretrained('x', trust_remote_code=True)",
    ],
)
def test_planted_unpickling_is_found(planted: str) -> None:
    assert list(_unpickling(ast.parse(planted)))


@pytest.mark.parametrize("module", ["engine", "serstudio.project", "serstudio.usecases.dispatch", "serstudio.cli.app"])
def test_light_modules_load_neither_qt_nor_torch(module: str) -> None:
    program = (
        f"import sys, {module}; "
        "print(*sorted({'torch', 'torchaudio', 'transformers', 'PySide6', 'pyqtgraph', 'av', 'sounddevice'}"
        " & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
