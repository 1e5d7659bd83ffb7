import itertools
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.adaptation import Remark, adapt
from engine.adaptation.clips import embed_whole
from engine.audio.windows import read_windows
from engine.bases import Base, load_base
from engine.choices import HEADS, TUNING_METHODS
from engine.errors import LabellingError, ManifestError
from engine.evaluation import few_shot
from serstudio.usecases import dispatch, evaluate_manifest
from serstudio.usecases.events import Event, Progress, Warned
from serstudio.usecases.research_requests import (
    CompareMethods,
    Evaluated,
    EvaluateManifest,
    MethodsCompared,
    MethodUsed,
)
from tests.engine.evaluation.fake_system import use_fake_systems
from tests.usecases.conftest import NAMES, events_of

METHODS = (*TUNING_METHODS, *HEADS)  # of one base


def request(voices: Path, base: str, **changes: object) -> EvaluateManifest:
    values = {"manifest": voices / "manifest.csv", "ways": 3, "shots": 2, "queries": 4, "episodes": 3, "base": base}
    tuning = {} if changes.get("method") in HEADS else {"steps": 1}
    return EvaluateManifest(**(values | tuning | changes))


@pytest.mark.parametrize("protocol", ["random", "new-speakers"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_under_both_protocols(voices: Path, tiny_base_folder: str, protocol: str, method: str) -> None:
    _, result = events_of(request(voices, tiny_base_folder, protocol=protocol, method=method))
    assert isinstance(result, Evaluated)
    assert result.labels == tuple(sorted(NAMES))
    assert sum(map(sum, result.confusion)) == 3 * 3 * 4
    assert result.accuracy == pytest.approx(sum(result.episode_accuracies) / 3)
    assert 0.0 <= result.macro_f1 <= 1.0


def test_a_seed_repeats_an_evaluation(voices: Path, tiny_base_folder: str) -> None:
    results = [events_of(request(voices, tiny_base_folder))[1] for _ in range(2)]
    assert isinstance(results[0], Evaluated)
    assert isinstance(results[1], Evaluated)
    assert results[0].episode_accuracies == results[1].episode_accuracies


def test_no_steps_is_the_same_as_prototypes(voices: Path, tiny_base_folder: str) -> None:
    untuned = events_of(request(voices, tiny_base_folder, steps=0))[1]
    prototypes = events_of(request(voices, tiny_base_folder, method="prototypes"))[1]
    assert isinstance(untuned, Evaluated)
    assert isinstance(prototypes, Evaluated)
    assert untuned.confusion == prototypes.confusion


@pytest.mark.parametrize("method", ["disjoint", "lda"])
def test_voices_taken_away_change_the_answers(voices: Path, tiny_base_folder: str, method: str) -> None:
    kept, taken = (
        events_of(request(voices, tiny_base_folder, method=method, speaker_mean=each, episodes=6))[1]
        for each in (False, True)
    )
    assert isinstance(kept, Evaluated)
    assert isinstance(taken, Evaluated)
    assert (kept.request.speaker_mean, taken.request.speaker_mean) == (False, True)
    assert kept.episode_accuracies != taken.episode_accuracies


def test_what_was_done_is_told_in_place_of_what_the_base_recommends(voices: Path, tiny_base_folder: str) -> None:
    plain = EvaluateManifest(voices / "manifest.csv", None, 3, 2, 4, 1, base=tiny_base_folder, method="ridge")
    _, result = events_of(plain)
    assert isinstance(result, Evaluated)
    done = result.request
    assert (done.method, done.steps, done.head, done.trained) == ("ridge", 0, "ridge", "nothing")
    _, tuned = events_of(request(voices, tiny_base_folder, episodes=1, head="lda", trained="norms"))
    assert isinstance(tuned, Evaluated)
    done = tuned.request
    assert (done.method, done.steps, done.learning_rate) == ("disjoint", 1, 1e-5)
    assert (done.head, done.trained, done.speaker_mean) == ("lda", "norms", False)


def test_methods_are_compared_on_clips_that_are_read_once(
    voices: Path, tiny_base_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [events_of(request(voices, tiny_base_folder, method=method))[1] for method in METHODS]
    read: list[Path] = []

    def counting(path: Path, most: int) -> object:
        read.append(path)
        return read_windows(path, most)

    monkeypatch.setattr(few_shot, "read_windows", counting)
    _, compared = events_of(CompareMethods(request(voices, tiny_base_folder), METHODS))
    assert isinstance(compared, MethodsCompared)
    assert [each.request.method for each in compared.results] == list(METHODS)
    for result, one in zip(compared.results, alone, strict=True):
        assert isinstance(one, Evaluated)
        assert (result.confusion, result.request) == (one.confusion, one.request)
    assert len(read) == len(set(read))


def test_what_methods_share_is_charged_to_none(
    voices: Path, tiny_base_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(path: Path, most: int) -> object:
        time.sleep(0.02)
        return read_windows(path, most)

    def slow_embedding(*arguments: Any) -> torch.Tensor:
        time.sleep(0.2)
        return embed_whole(*arguments)

    monkeypatch.setattr(few_shot, "read_windows", slow)
    monkeypatch.setattr(few_shot, "embed_whole", slow_embedding)
    asked = request(voices, tiny_base_folder, episodes=1, method="prototypes")
    _, compared = events_of(CompareMethods(asked, ("prototypes", "ridge")))
    assert isinstance(compared, MethodsCompared)
    first, second = compared.results
    assert first.shared_seconds > 3 * (2 + 4) * 0.02 + 0.2
    assert first.seconds_per_episode < 0.2
    assert second.shared_seconds == 0.0


def test_a_method_that_makes_no_sense_is_refused_before_any_is_measured(voices: Path, tiny_base_folder: str) -> None:
    asked = CompareMethods(request(voices, tiny_base_folder, head="ridge"), ("disjoint", "lda"))
    seen: list[Event] = []
    with pytest.raises(LabellingError, match="a head by itself"):
        seen.extend(dispatch.run(asked))
    assert not [event for event in seen if isinstance(event, Progress) and event.step]


def test_how_to_tune_concerns_those_methods_that_tune(voices: Path, tiny_base_folder: str) -> None:
    shared = request(voices, tiny_base_folder, trained="norms", learning_rate=1e-3)
    _, compared = events_of(CompareMethods(shared, ("prototypes", "disjoint")))
    assert isinstance(compared, MethodsCompared)
    assert [each.request.trained for each in compared.results] == ["nothing", "norms"]
    with pytest.raises(LabellingError, match="'prototypes' tunes nothing"):
        events_of(CompareMethods(shared, ("prototypes", "lda")))


def test_rows_without_a_file_are_left_out_and_told(voices: Path, tiny_base_folder: str) -> None:
    with (voices / "manifest.csv").open("a") as manifest:
        manifest.write(f"gone.wav,joy,s0\n{'long' * 100}.wav,joy,s0\n")
    events, result = events_of(request(voices, tiny_base_folder, method="prototypes"))
    assert isinstance(result, Evaluated)
    assert [skip.reason for skip in result.skipped] == ["no such file", "it cannot be reached (File name too long)"]
    assert any(isinstance(event, Warned) and "2 of 26 rows" in event.message for event in events)


def test_a_file_that_two_rows_name_is_taken_once_and_told(voices: Path, tiny_base_folder: str) -> None:
    """It would be in support and query at once, and figures would be too good."""
    asked = request(voices, tiny_base_folder, method="prototypes")
    _, expected = events_of(asked)
    lines = (voices / "manifest.csv").read_text().splitlines()
    file, label, speaker = lines[1].split(",")
    again = [f"./{line}" for line in lines[1:]] + [f"{file},not {label},{speaker}"]
    (voices / "manifest.csv").write_text("\n".join([*lines, *again]))
    events, result = events_of(asked)
    assert isinstance(expected, Evaluated)
    assert isinstance(result, Evaluated)
    assert result.episode_accuracies == expected.episode_accuracies
    assert result.skipped[-1].reason == f"a file of an earlier row, as {label}"
    told = [event.message for event in events if isinstance(event, Warned)]
    assert told == ["25 of 49 rows are left out: 25 with a file of an earlier row."]


def test_a_label_that_only_one_speaker_has_is_left_out_and_told(voices: Path, tiny_base_folder: str) -> None:
    lines = (voices / "manifest.csv").read_text().splitlines()
    alone = [f"{line.split(',')[0]},{line.split(',')[1]},s0" if ",fear," in line else line for line in lines]
    (voices / "manifest.csv").write_text("\n".join(alone))
    asked = request(voices, tiny_base_folder, method="prototypes", protocol="new-speakers", ways=2, queries=2)
    events, result = events_of(asked)
    assert isinstance(result, Evaluated)
    assert "fear" not in result.labels
    told = [event.message for event in events if isinstance(event, Warned)]
    assert told == ["Labels are left out for want of speakers: fear."]


def test_a_damaged_clip_is_left_out_before_the_episodes(voices: Path, tiny_base_folder: str) -> None:
    with (voices / "manifest.csv").open("a") as manifest:
        for number in range(40):
            (voices / f"{number}.wav").write_text("no sound")
            manifest.write(f"{number}.wav,joy,s0\n")
    events, result = events_of(request(voices, tiny_base_folder, method="prototypes"))
    assert isinstance(result, Evaluated)
    assert len(result.skipped) == 40
    assert result.skipped[0].reason.startswith("0.wav does not hold sound")
    told = [event.message for event in events if isinstance(event, Warned)]
    assert told == ["40 of 64 rows are left out: 40 with sound that cannot be used."]


def test_spellings_of_one_label_or_speaker_are_taken_as_one_and_told(voices: Path, tiny_base_folder: str) -> None:
    asked = request(voices, tiny_base_folder, method="prototypes", protocol="new-speakers")
    _, expected = events_of(asked)
    lines = (voices / "manifest.csv").read_text().splitlines()
    text = "\n".join([*lines[:-3], *(line.replace(",fear,s", ",Fear ,S") for line in lines[-3:])])
    (voices / "manifest.csv").write_text(text.replace(",s0", ",s0e\u0301", 1).replace(",s0\n", ",s0\u00e9\n"))
    events, result = events_of(asked)
    assert isinstance(expected, Evaluated)
    assert isinstance(result, Evaluated)
    assert result.labels == tuple(sorted(NAMES))
    assert (result.episode_accuracies, result.confusion) == (expected.episode_accuracies, expected.confusion)
    told = [event.message for event in events if isinstance(event, Warned)]
    assert told == [
        "Spellings of one name are taken as one: fear and Fear; s0e\u0301 and s0\u00e9; s2 and S2; s3 and S3."
    ]


def test_names_that_are_not_the_same_stay_apart(voices: Path, tiny_base_folder: str) -> None:
    events, _ = events_of(request(voices, tiny_base_folder, method="prototypes"))
    assert not [event for event in events if isinstance(event, Warned)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ways": 4}, "Only 3 labels"),
        ({"queries": 40}, "Only 0 labels"),
        ({"protocol": "honest"}, "no protocol 'honest'"),
        ({"episodes": 0}, "No episode"),
        ({"shots": 0}, "1 shot"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_in_words(
    voices: Path, tiny_base_folder: str, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(ManifestError, match=words):
        events_of(request(voices, tiny_base_folder, **changes))


def test_a_system_is_evaluated_from_its_own_base_beside_the_others(
    voices: Path, tiny_base_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_systems(monkeypatch)
    asked: list[str] = []

    def load(name: str) -> Base:
        asked.append(name)
        return replace(load_base(tiny_base_folder), name=name)

    monkeypatch.setattr(evaluate_manifest, "load_base", load)
    methods = ("prototypes", "fmaml", "lda")
    _, compared = events_of(CompareMethods(request(voices, "compact"), methods))
    assert isinstance(compared, MethodsCompared)
    assert asked == ["compact", "fmaml"]
    assert [each.request.head for each in compared.results] == ["prototypes", "linear", "lda"]


def remarking(words: str) -> Callable[..., Iterator[object]]:
    """Adapting that has something to say before it begins; `#` in it is another figure every time."""
    figures = itertools.count(1)

    def adapting(*arguments: Any) -> Iterator[object]:
        yield Remark(words.replace("#", f"{next(figures) / 10}"), "Close other programs.")
        yield from adapt(*arguments)

    return adapting


def told_of(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Warned)]


def test_what_adapting_remarks_is_told_once(
    voices: Path, tiny_base_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(few_shot, "adapt", remarking("Memory is short (# GB free)."))
    events, _ = events_of(request(voices, tiny_base_folder))
    assert told_of(events) == ["Memory is short (0.1 GB free)."], "not for every episode, with other figures"
    asked = CompareMethods(request(voices, tiny_base_folder), ("disjoint", "lda", "pmf"))
    events, _ = events_of(asked)
    assert [words[:9] for words in told_of(events)] == ["disjoint:", "pmf: Memo"]


def test_a_method_that_had_to_do_other_than_asked_says_so(voices: Path, tiny_base_folder: str) -> None:
    events, result = events_of(request(voices, tiny_base_folder, shots=1, method="disjoint", steps=9))
    assert told_of(events) == ["With one clip a label no disjoint split is possible: adapting by pmf, 5 steps."]
    assert isinstance(result, Evaluated)
    assert (result.request.method, result.request.steps) == ("disjoint", 9)
    assert result.methods_used == (MethodUsed("pmf", 5, "prototypes", 3),)


@pytest.mark.parametrize(
    ("method", "shots", "used", "words"),
    [
        ("lda", 1, "prototypes", "With one clip a label 'lda' has too little to go by: prototypes instead."),
        ("known-emotions", 2, "logistic", "The base knows fewer than two of these labels by their names: plain"),
        ("lda", 2, "lda", None),
    ],
)
def test_a_head_that_could_not_be_fitted_says_so_and_is_not_told_as_used(
    voices: Path, tiny_base_folder: str, method: str, shots: int, used: str, words: str | None
) -> None:
    events, result = events_of(request(voices, tiny_base_folder, shots=shots, method=method))
    told = told_of(events)
    assert [each.startswith(words or "") for each in told] == ([] if words is None else [True])
    assert isinstance(result, Evaluated)
    assert result.request.head == method
    assert result.methods_used == (MethodUsed(used, 0, used, 3),)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the peak may not be told")
def test_the_peak_of_memory_is_told(voices: Path, tiny_base_folder: str) -> None:
    _, result = events_of(request(voices, tiny_base_folder, device="cpu"))
    assert isinstance(result, Evaluated)
    assert result.peak_memory_bytes is not None
    assert 50e6 < result.peak_memory_bytes < 1e11
