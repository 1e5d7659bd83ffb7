"""The two benchmarks of a base run whole on a tiny one; what they time is not judged."""

import re
from pathlib import Path

import pytest

from engine.bench import compact, few_shot, subjects
from engine.evaluation.episodes import EpisodeShape


def test_the_few_shot_table_has_a_figure_where_episodes_can_be_filled(
    corpora_root: Path, tiny_start: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = (EpisodeShape(2, 1, 2), EpisodeShape(3, 2, 2), EpisodeShape(4, 1, 2))
    monkeypatch.setattr(few_shot, "SHAPES", shapes)
    arguments = ["few_shot", str(tiny_start), "--corpora", str(corpora_root), "--names", "emodb", "--episodes", "5"]
    monkeypatch.setattr("sys.argv", arguments)
    few_shot.main()
    rows = [line for line in capsys.readouterr().out.splitlines() if "-way" in line]
    assert len(rows) == 3
    assert len(re.findall(r"\d+\.\d ± \d+\.\d", rows[0])) == 10  # five heads, two protocols
    assert len(re.findall(r"\d+\.\d ± \d+\.\d", rows[1])) == 10
    assert not re.search(r"±", rows[2])  # there are three labels


def test_size_speed_and_adaptation_are_told(
    corpora_root: Path, tiny_start: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subjects, "CLIP_S", 0.2)
    monkeypatch.setattr(compact, "LENGTHS_S", (0.2,))
    monkeypatch.setattr("sys.argv", ["compact", str(tiny_start), "--clips", str(corpora_root)])
    compact.main()
    told = capsys.readouterr().out
    assert re.search(r"size on disk: \d+\.\d MB", told)
    assert re.search(r"classify 0.2 s: median \d+ ms", told)
    for method in ("prototypes", "logistic", "ridge", "lda", "disjoint, 25 steps of all"):
        assert f"3 s, {method}: " in told


def test_too_little_sound_is_said(tmp_path: Path, tiny_start: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["compact", str(tiny_start), "--clips", str(tmp_path)])
    with pytest.raises(SystemExit, match="less than a minute"):
        compact.main()
