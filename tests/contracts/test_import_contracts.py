"""The import contracts of pyproject.toml hold, and each of them bites when it is broken."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ONE_WAY = "Dependencies point one way"
QT = "Qt lives in serstudio.gui only"
ENGINE = "engine knows nothing of serstudio"
TORCH = "torch, torchaudio, transformers, accelerate and the hub's client live in engine only"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of the tree in `folder`, which comes before an installed copy."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-cache", "--no-logo"]
    wide = {**os.environ, "COLUMNS": "200"}  # a contract stays on one line
    return subprocess.run(command, cwd=folder, env=wide, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code without the resources."""
    folder = tmp_path_factory.mktemp("tree")
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    for package in ("engine", "serstudio"):
        ignored = shutil.ignore_patterns("__pycache__", "_resources")
        shutil.copytree(REPOSITORY / package, folder / package, ignore=ignored)
    return folder


def test_the_contracts_hold() -> None:
    checked = lint_imports(REPOSITORY)
    assert checked.returncode == 0, checked.stdout
    assert "0 broken" in checked.stdout


def test_every_module_beside_the_front_ends_is_under_the_contract_of_qt() -> None:
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (sources,) = [each["source_modules"] for each in contracts["contracts"] if each["name"] == QT]
    beside = {f"serstudio.{path.stem}" for path in (REPOSITORY / "serstudio").iterdir() if path.name[0] not in "_."}
    assert beside - {"serstudio.gui"} <= set(sources)


@pytest.mark.parametrize(
    ("module", "planted", "contract"),
    [
        ("engine/errors.py", "import serstudio.errors", ENGINE),
        ("serstudio/project/records.py", "import serstudio.usecases.events", ONE_WAY),
        ("serstudio/interchange/manifest.py", "import serstudio.project", ONE_WAY),
        ("serstudio/usecases/events.py", "import serstudio.cli.output", ONE_WAY),
        ("serstudio/cli/output.py", "import serstudio.gui.theme", ONE_WAY),
        ("serstudio/gui/theme.py", "import serstudio.cli.output", ONE_WAY),
        ("engine/errors.py", "import pyqtgraph", QT),
        ("serstudio/project/records.py", "import PySide6", QT),
        ("serstudio/usecases/events.py", "from PySide6 import QtCore", QT),
        ("serstudio/cli/output.py", "def late() -> None:\n    import PySide6.QtWidgets", QT),
        ("serstudio/wording.py", "import PySide6", QT),
        ("serstudio/usecases/events.py", "import torch", TORCH),
        ("serstudio/cli/output.py", "def late() -> None:\n    import torchaudio", TORCH),
        ("serstudio/gui/theme.py", "from transformers import AutoModel", TORCH),
        ("serstudio/usecases/bases.py", "import huggingface_hub", TORCH),
    ],
)
def test_a_planted_violation_is_found(tree: Path, module: str, planted: str, contract: str) -> None:
    path = tree / module
    original = path.read_text(encoding="utf-8")
    path.write_text(f"{original}\n\n{planted}\n", encoding="utf-8")
    try:
        checked = lint_imports(tree)
    finally:
        path.write_text(original, encoding="utf-8")
    assert checked.returncode != 0
    broken = [line for line in checked.stdout.splitlines() if line.endswith("BROKEN")]
    assert len(broken) == 1, checked.stdout
    assert broken[0].startswith(contract)
