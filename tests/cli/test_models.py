"""adapt, classify, check, export, evaluate and live on a tiny base: the verbs, not the science."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_the_job_from_labels_to_a_colleague(adapted_project: Path, voices: Path, tmp_path: Path, run: Run) -> None:
    ours = run("classify", adapted_project, voices, "--json")
    assert ours.code == 0
    assert len(ours.json["results"]) == 24
    for result in ours.json["results"]:
        assert sum(result["scores"].values()) == pytest.approx(1.0)
        assert result["label"] == max(result["scores"], key=result["scores"].get)
    exported = run("export", adapted_project, "--to", tmp_path / "a model", "--json")
    assert exported.json["version"] == 1
    assert exported.json["licence"] == "none"
    told = run("export", adapted_project, "--to", tmp_path / "another").out
    assert "Ask before you pass it on:\n- The terms of part of it are not known" in told
    theirs = run("classify", tmp_path / "a model", voices, "--json")
    assert theirs.json == ours.json


def test_adapt_says_and_numbers_what_it_made(labelled_project: Path, tiny_base_folder: str, run: Run) -> None:
    options = ("--base", tiny_base_folder, "--steps", 2)
    ran = run("adapt", labelled_project, *options)
    assert ran.code == 0
    assert ran.out.startswith("Version 1: disjoint on 24 clips of 3 labels in ")
    assert re.search(r"^On .+, at most .+ [MG]B of memory\. It takes .+ [kM]B on disk\.$", ran.out, re.MULTILINE)
    again = run("adapt", labelled_project, *options, "--precision", "fp32", "--json").json
    assert again["peak_memory_bytes"] > 10**7
    assert again["device"]
    assert again["number"] == 2
    assert again["method_used"] == "disjoint"
    assert again["final_loss"] > 0


def test_adapt_takes_heads_and_says_which(labelled_project: Path, tiny_base_folder: str, run: Run, fails: Run) -> None:
    base = ("--base", tiny_base_folder)
    tuned = run("adapt", labelled_project, *base, "--steps", 1, "--trained", "norms", "--head", "lda", "--lr", 1e-4)
    assert tuned.out.startswith("Version 1: disjoint and lda on 24 clips")
    alone = run("adapt", labelled_project, *base, "--method", "logistic", "--speaker-mean")
    assert alone.out.startswith("Version 2: logistic on 24 clips")
    assert "head logistic" in run("check", labelled_project, *base).out
    assert "head ridge" in run("check", labelled_project, *base, "--method", "ridge", "--no-speaker-mean").out
    useless = fails("adapt", labelled_project, *base, "--method", "lda", "--steps", 500)
    assert "'lda' tunes nothing" in useless.err
    refused = fails("adapt", labelled_project, *base, "--method", "lda", "--head", "ridge")
    assert "'lda' is a head by itself" in refused.err


def test_adapt_says_which_labels_it_knew_by_name(labelled_project: Path, run: Run) -> None:
    ran = run("adapt", labelled_project, "--method", "known-emotions")
    assert ran.out.startswith("Version 1: known-emotions on 24 clips")
    assert "\nIt begins with what other languages have taught it of " in ran.out
    again = run("adapt", labelled_project, "--method", "known-emotions", "--json").json
    card = (Path(again["folder"]) / "README.md").read_text()
    assert f"Known by name: {', '.join(again['known_labels'])}." in card
    assert len(again["known_labels"]) > 1
    plain = run("adapt", labelled_project, "--method", "ridge", "--json").json
    assert plain["known_labels"] == []
    assert "Known by name" not in (Path(plain["folder"]) / "README.md").read_text()


def test_classify_for_a_known_voice(
    labelled_project: Path, tiny_base_folder: str, voices: Path, run: Run, fails: Run
) -> None:
    run("adapt", labelled_project, "--base", tiny_base_folder, "--method", "ridge", "--speaker-mean")
    assert run("classify", labelled_project, voices / "joy-0-0.wav", "--speaker", "s0").code == 0
    assert "knows no speaker" in fails("classify", labelled_project, voices, "--speaker", "nobody").err


def test_several_methods_are_evaluated_on_the_same_episodes(
    voices: Path, tiny_base_folder: str, tmp_path: Path, run: Run
) -> None:
    shape = ("--ways", 3, "--shots", 2, "--queries", 4, "--episodes", 2, "--base", tiny_base_folder)
    methods = ("--method", "prototypes", "--method", "lda")
    ran = run("evaluate", "--manifest", voices / "manifest.csv", *shape, *methods, "--json", tmp_path / "out.json")
    assert ran.code == 0
    assert ", prototypes: accuracy" in ran.out
    assert ", lda: accuracy" in ran.out
    results = json.loads((tmp_path / "out.json").read_text())
    assert [result["request"]["method"] for result in results] == ["prototypes", "lda"]


def test_one_episode_has_no_interval(voices: Path, tiny_base_folder: str, tmp_path: Path, run: Run) -> None:
    shape = ("--ways", 3, "--shots", 2, "--queries", 4, "--episodes", 1, "--base", tiny_base_folder)
    out = tmp_path / "out.json"
    ran = run("evaluate", "--manifest", voices / "manifest.csv", *shape, "--method", "ridge", "--json", out)
    assert "% (one episode, so no interval; chance 33%)." in ran.out
    assert json.loads(out.read_text())["accuracy_ci95"] is None


def test_evaluate_prints_the_head_that_was_fitted(voices: Path, tiny_base_folder: str, run: Run) -> None:
    shape = ("--ways", 3, "--shots", 1, "--queries", 4, "--episodes", 2, "--base", tiny_base_folder)
    ran = run("evaluate", "--manifest", voices / "manifest.csv", *shape, "--method", "lda")
    assert ", prototypes: accuracy" in ran.out
    assert "'lda' has too little to go by" in ran.err


def test_classify_prints_a_table(adapted_project: Path, voices: Path, run: Run) -> None:
    ran = run("classify", adapted_project, voices / "joy-0-0.wav")
    head, row = ran.out.splitlines()
    assert head.split() == ["file", "label", "anger", "joy", "fear"]
    assert str(voices / "joy-0-0.wav") in row


def test_classify_fails_when_nothing_could_be_read(adapted_project: Path, tmp_path: Path, fails: Run) -> None:
    (tmp_path / "empty.wav").touch()
    assert fails("classify", adapted_project, tmp_path / "empty.wav").code == 1
    assert fails("classify", tmp_path / "nowhere", tmp_path / "empty.wav").code == 1
    assert fails("classify", adapted_project).code == 2


def test_check_shows_the_confusion(labelled_project: Path, tiny_base_folder: str, run: Run) -> None:
    options = ("--base", tiny_base_folder, "--method", "lda")
    ran = run("check", labelled_project, *options)
    assert ran.code == 0
    assert "leave-one-speaker-out (4 folds), head lda." in ran.out
    assert "chance 33%" in ran.out
    report = run("check", labelled_project, *options, "--json").json
    assert sum(map(sum, report["confusion"])) == report["clip_count"] == 24


def test_check_repeats_a_method_that_tunes(labelled_project: Path, tiny_base_folder: str, run: Run) -> None:
    ran = run("check", labelled_project, "--base", tiny_base_folder, "--steps", 2, "--trained", "norms")
    assert "speaker-folds (3 folds), disjoint and head prototypes, adapted anew in each in " in ran.out


def test_adapt_refuses(tmp_path: Path, labelled_project: Path, run: Run, fails: Run) -> None:
    run("new", tmp_path / "empty", "--labels", "a,b")
    assert fails("adapt", tmp_path / "empty").code == 1
    assert fails("check", tmp_path / "empty").code == 1
    assert fails("export", tmp_path / "empty", "--to", tmp_path / "out").code == 1
    assert fails("adapt", labelled_project, "--base", "banana").code == 1
    assert fails("adapt", labelled_project, "--method", "magic").code == 2
    assert fails("adapt", labelled_project, "--lr", "0").code == 2
    assert not list((labelled_project / "models").iterdir())


@pytest.mark.parametrize("seed", [-1, 2**32, 10**25])
@pytest.mark.parametrize("verb", ["adapt", "check", "compare"])
def test_a_seed_that_nothing_can_be_drawn_from_is_a_wrong_command_line(
    verb: str, seed: int, labelled_project: Path, tiny_base_folder: str, fails: Run
) -> None:
    refused = fails(verb, labelled_project, "--base", tiny_base_folder, "--seed", seed)
    assert refused.code == 2
    assert "--seed" in refused.err


def test_export_refuses_a_folder_that_is_not_empty(adapted_project: Path, tmp_path: Path, fails: Run) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    assert fails("export", adapted_project, "--to", tmp_path / "full").code == 1
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.txt"]
    assert fails("export", adapted_project, "--to", tmp_path / "out", "--version", 7).code == 1
    assert not (tmp_path / "out").exists()


def test_export_without_the_base_is_small_or_refused(
    labelled_project: Path, tiny_base_folder: str, tmp_path: Path, run: Run, fails: Run
) -> None:
    assert run("adapt", labelled_project, "--base", tiny_base_folder, "--method", "lda").code == 0
    refused = fails("export", labelled_project, "--to", tmp_path / "small", "--delta")
    assert "is not among the models here" in refused.err
    assert run("adapt", labelled_project).code == 0
    said = run("export", labelled_project, "--to", tmp_path / "small", "--delta").out
    assert " kB). The copy gives the same answers" in said
    assert "works in every SER Studio with the same bundled base" in said
    assert run("export", labelled_project, "--to", tmp_path / "small 2", "--delta", "--json").json["needs"] == "compact"


def test_evaluate_writes_its_json(voices: Path, tiny_base_folder: str, tmp_path: Path, run: Run) -> None:
    sizes = ("--ways", 2, "--shots", 2, "--queries", 2, "--episodes", 3)
    options = ("--base", tiny_base_folder, "--method", "prototypes", "--protocol", "new-speakers")
    out = tmp_path / "out.json"
    ran = run("evaluate", "--manifest", voices / "manifest.csv", *sizes, *options, "--json", out)
    assert ran.code == 0, ran
    assert "2-way 2-shot, new-speakers" in ran.out
    assert re.search(r"s an episode and [\d.]+ s for the clips, on .+, at most .+ of memory\.", ran.out)
    written = json.loads(out.read_text(encoding="utf-8"))
    assert len(written["episode_accuracies"]) == 3
    assert written["accuracy"] == pytest.approx(sum(written["episode_accuracies"]) / 3)
    assert written["request"]["shots"] == 2


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_evaluate_writes_names_in_an_old_encoding(
    voices: Path, tiny_base_folder: str, tmp_path: Path, run: Run
) -> None:
    root = tmp_path / os.fsdecode(b"stimmen-\xfc")
    shutil.copytree(voices, root)
    sizes = ("--ways", 2, "--shots", 2, "--queries", 2, "--episodes", 1, "--method", "prototypes")
    options = ("--root", root, "--base", tiny_base_folder, "--json", tmp_path / "out.json")
    assert run("evaluate", "--manifest", voices / "manifest.csv", *sizes, *options).code == 0
    assert json.loads((tmp_path / "out.json").read_text())["request"]["root"] == str(root)


def test_evaluate_refuses(voices: Path, tmp_path: Path, tiny_base_folder: str, fails: Run) -> None:
    manifest = ("--manifest", voices / "manifest.csv", "--base", tiny_base_folder)
    assert fails("evaluate", "--manifest", tmp_path / "none.csv").code == 1
    assert fails("evaluate", *manifest, "--shots", 500).code == 1
    assert fails("evaluate", *manifest, "--json", tmp_path / "nowhere" / "out.json").code == 2
    a_folder = fails("evaluate", *manifest, "--json", tmp_path)
    assert a_folder.code == 2
    assert "is a folder" in a_folder.err
    assert fails("evaluate").code == 2


def test_live_agrees_with_classify(adapted_project: Path, tmp_path: Path, voices: Path, run: Run) -> None:
    clip = _joined(sorted(voices.glob("*.wav")), tmp_path / "long.wav")
    ran = run("live", adapted_project, "--input", clip, "--fast", "--json")
    assert ran.code == 0, ran
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert [label["name"] for label in events[0]["labels"]] == ["anger", "joy", "fear"]
    assert len([event for event in events if event["event"] == "heard"]) >= 4 * (events[-1]["duration_s"] - 2)
    offline = run("classify", adapted_project, clip, "--json").json["results"][0]
    assert events[-1]["event"] == "ended"
    assert events[-1]["label"] == offline["label"]
    assert events[-1]["scores"] == pytest.approx(offline["scores"], abs=1e-4)


def _joined(clips: list[Path], path: Path) -> Path:
    import numpy as np
    import soundfile

    soundfile.write(path, np.concatenate([soundfile.read(clip)[0] for clip in clips]), 16_000)
    return path


def test_live_prints_lines_and_stops_after_some_seconds(
    adapted_project: Path, tmp_path: Path, voices: Path, run: Run
) -> None:
    clip = _joined(sorted(voices.glob("*.wav")), tmp_path / "long.wav")
    ran = run("live", adapted_project, "--input", clip, "--fast", "--seconds", 3)
    assert ran.out.splitlines()[-1].startswith("All 3.0 s: ")
    short = run("live", adapted_project, "--input", clip, "--fast", "--seconds", 0.5)
    assert short.code == 0


def test_live_refuses(adapted_project: Path, tmp_path: Path, fails: Run, no_microphone: None) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    assert fails("live", adapted_project, "--input", tmp_path / "text.wav").code == 1
    assert "microphone" in fails("live", adapted_project).err.lower()
    assert "none" in fails("live", adapted_project, "--device-name", "nix").err
    assert fails("live", adapted_project, "--fast").code == 2
    assert "microphone" in fails("record", adapted_project, "--seconds", 1).err.lower()
