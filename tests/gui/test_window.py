"""The whole job in a real window on a display: new, import, label, adapt, check, live, export."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

LABELS = ("anger", "joy", "sadness")
CLIPS_A_LABEL = 4
JOURNEY = Path(__file__).parent / "window_journey.py"


@pytest.fixture
def real_clips(corpora: Path, tmp_path: Path) -> Path:
    """One folder a label with real recordings of EmoDB, from as many speakers as there are clips."""
    emodb = corpora / "emodb"
    taken: dict[str, list[str]] = defaultdict(list)
    with (emodb / "manifest.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            speakers = taken[row["label"]]
            if row["label"] in LABELS and len(speakers) < CLIPS_A_LABEL and row["speaker"] not in speakers:
                speakers.append(row["speaker"])
                folder = tmp_path / "clips" / row["label"]
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy(emodb / row["file"], folder)
    return tmp_path / "clips"


@pytest.mark.window
@pytest.mark.corpora
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_whole_job_in_a_real_window(real_clips: Path, tmp_path: Path) -> None:
    if not os.environ.get("DISPLAY"):
        pytest.skip("needs an X display (DISPLAY is not set; packaging/test.sh starts Xvfb)")
    environment = {**os.environ, "QT_QPA_PLATFORM": "xcb"}
    work = tmp_path / "work"
    work.mkdir()
    run = subprocess.run(
        [sys.executable, str(JOURNEY), str(real_clips), str(work)],
        capture_output=True, text=True, env=environment, timeout=580, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout.splitlines()[-1])
    assert seen["platform"] == "xcb"
    assert seen["labelled"] == len(LABELS) * CLIPS_A_LABEL
    assert seen["rail"] == "anger 4/5, joy 4/5, sadness 4/5"
    assert seen["adapted"] == "Version 1 is ready"
    assert seen["accuracy"].endswith("%")
    assert seen["heard"] in LABELS
    assert seen["answers"] >= 1
    assert {"model.safetensors", "config.json", "README.md"} <= set(seen["exported"])
    assert not seen["torch"], "the window's own process never loads torch"
