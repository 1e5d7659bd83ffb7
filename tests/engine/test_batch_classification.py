"""Classifying in batches: a clip's answer is that of the clip by itself, whatever stands beside it."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from engine import batch_classification
from engine.adaptation.settings import Remark
from engine.audio.windows import Samples
from engine.backbones.wav2vec2 import Wav2Vec2Backbone
from engine.batch_classification import BatchScorer, Heard, Refused, Scored, classify_in_batches
from engine.classification import Classification, classify_file
from engine.encoder import EmotionEncoder
from engine.errors import AudioError, MemoryShortError
from engine.extractors import GatedLinearUnit
from engine.heads import last_layer
from engine.heads.speakers import SpeakerOffsets
from engine.model_folder import AdaptedModel, LabelSpec
from engine.quantised import convert
from engine.streaming import score_window, score_windows
from tests.engine.conftest import tiny_encoder, voice, wav2vec2_config
from tests.engine.systems.fmaml.conftest import tiny_base as tiny_fmaml
from tests.engine.systems.hgfm.conftest import small_network
from tests.engine.systems.multigate.conftest import tiny_network, tiny_streams
from tests.engine.test_quantised import needs_int8

RATE = 16_000
NAMES = ("anger", "joy", "fear")
LENGTHS_S = (1.0, 0.3, 0.95, 0.52, 0.5, 21.0, 0.9, 9.0, 0.12)


def tiny_wav2vec2() -> EmotionEncoder:
    torch.manual_seed(0)
    return EmotionEncoder(Wav2Vec2Backbone(wav2vec2_config(), (2, 4)), GatedLinearUnit(32, 2)).eval()


def tiny_multigate() -> EmotionEncoder:
    streams = tiny_streams()
    return EmotionEncoder(streams, tiny_network(streams).for_new_language())


ENCODERS: dict[str, Callable[[], EmotionEncoder]] = {
    "compact": tiny_encoder,
    "wav2vec2": tiny_wav2vec2,
    "hgfm": lambda: tiny_encoder(small_network),
    "multigate": tiny_multigate,
    "fmaml": lambda: tiny_fmaml().encoder,
}


def model_on(encoder: EmotionEncoder) -> AdaptedModel:
    """Three labels that the clips below do fall among, and two voices."""
    size, generator = encoder.embedding_size, torch.Generator().manual_seed(1)
    embeddings = torch.cat([encoder.embed([encoder.front_end(voice(seed, 0.6 + 0.1 * seed))]) for seed in range(6)])
    embeddings = embeddings.detach()
    frame = {"centre": embeddings.mean(0), "spread": embeddings.std(0) + 1e-6}
    layer = last_layer(torch.randn(3, size, generator=generator) / size**0.5, torch.zeros(3))
    offsets = SpeakerOffsets(("ann", "bob"), embeddings[:2] - embeddings.mean(0), embeddings.mean(0))
    labels = tuple(LabelSpec(name, "#000000", "▲", "1", 2, 1) for name in NAMES)
    head = dataclasses.replace(layer, **frame)
    return AdaptedModel(encoder, head, labels, "", "tiny", "", standardised=False, origin={}, speakers=offsets)


@pytest.fixture(params=ENCODERS)
def model(request: pytest.FixtureRequest) -> AdaptedModel:
    return model_on(ENCODERS[request.param]())


@pytest.fixture
def compact() -> AdaptedModel:
    return model_on(tiny_encoder())


@pytest.fixture
def files(write_wav: Callable[..., Path], tmp_path: Path) -> list[Path]:
    """Clips of many lengths, one of three windows, one of silence, at two rates; and four that cannot be read."""
    paths = [
        write_wav(f"{number}.wav", voice(number, length_s, 110.0 + 20 * number)[: round(length_s * RATE)])
        for number, length_s in enumerate(LENGTHS_S)
    ]
    paths.append(write_wav("silent.wav", np.zeros(RATE, dtype=np.float32)))
    paths.append(write_wav("48k.flac", voice(50, 2.0), 48_000))
    broken = voice(60, 15.0)
    broken[-10:] = np.nan  # heard when its first window is already cut
    refused = [write_wav("broken.wav", broken, subtype="FLOAT"), write_wav("short.wav", voice(61, 0.05))]
    for name, content in (("empty.wav", b""), ("text.wav", b"this is no sound")):
        (tmp_path / name).write_bytes(content)
        refused.append(tmp_path / name)
    for place, path in zip((0, 3, 7, 11), refused, strict=True):
        paths.insert(place, path)
    return paths


def together(
    model: AdaptedModel, files: Sequence[Path], most_ahead_s: float = 600.0
) -> tuple[dict[int, Classification], dict[int, AudioError]]:
    answers: dict[int, Classification] = {}
    refused: dict[int, AudioError] = {}
    for event in classify_in_batches(model, files, most_ahead_s):
        if isinstance(event, Scored):
            assert not answers.keys() & event.answers.keys(), "a file is answered once"
            answers |= event.answers
        elif isinstance(event, Refused):
            refused[event.file] = event.error
    return answers, refused


def agrees_with_one_by_one(
    model: AdaptedModel, files: Sequence[Path], answers: dict[int, Classification], refused: dict[int, AudioError]
) -> None:
    assert answers.keys() | refused.keys() == set(range(len(files)))
    assert len(refused) == 4
    for number, path in enumerate(files):
        if number in refused:
            with pytest.raises(AudioError) as alone:
                classify_file(model, path)
            assert str(alone.value) == str(refused[number])
            continue
        expected, ours = classify_file(model, path), answers[number]
        assert ours.label == expected.label
        assert (ours.duration_s, ours.window_count) == (expected.duration_s, expected.window_count)
        assert list(ours.scores) == list(expected.scores)
        assert list(ours.scores.values()) == pytest.approx(list(expected.scores.values()), abs=1e-4)


@pytest.mark.parametrize("most_ahead_s", [600.0, 12.0, 0.0])
def test_answers_are_those_of_each_clip_alone(model: AdaptedModel, files: list[Path], most_ahead_s: float) -> None:
    answers, refused = together(model, files, most_ahead_s)
    agrees_with_one_by_one(model, files, answers, refused)
    spread = np.std([list(each.scores.values()) for each in answers.values()], axis=0)
    assert spread.max() > 0.01, "clips that all score the same would prove nothing"


def test_of_a_known_voice_too(compact: AdaptedModel, files: list[Path]) -> None:
    ann = compact.for_speaker("ann")
    answers, refused = together(ann, files)
    agrees_with_one_by_one(ann, files, answers, refused)
    plain, _ = together(compact, files)
    assert any(abs(plain[each].scores["joy"] - answers[each].scores["joy"]) > 1e-3 for each in answers)


@pytest.mark.parametrize("most_ahead_s", [600.0, 2.0, 0.0])
def test_a_file_whose_scores_are_no_numbers_is_refused_and_no_other(
    compact: AdaptedModel, write_wav: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, most_ahead_s: float
) -> None:
    def broken(model: AdaptedModel, windows: Sequence[Samples]) -> list[tuple[float, ...]]:
        nothing = (float("nan"),) * 3
        rows = zip(windows, score_windows(model, windows), strict=True)
        return [nothing if len(window) == RATE else row for window, row in rows]

    monkeypatch.setattr(batch_classification, "score_windows", broken)
    files = [write_wav(f"{number}.wav", voice(number, length)) for number, length in enumerate((1.1, 1.0, 1.2, 1.0))]
    answers, refused = together(compact, files, most_ahead_s)
    assert (sorted(answers), sorted(refused)) == ([0, 2], [1, 3])
    assert "not numbers" in refused[1].message


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The lengths in samples of every batch that is scored."""
    seen: list[list[int]] = []

    def watched(model: AdaptedModel, windows: Sequence[Samples]) -> list[tuple[float, ...]]:
        seen.append([len(window) for window in windows])
        return score_windows(model, windows)

    monkeypatch.setattr(batch_classification, "score_windows", watched)
    return seen


def test_windows_of_like_length_share_a_batch_of_bounded_size(
    compact: AdaptedModel, batches: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_classification, "_MOST_S_ON_CPU", 8.0)
    random = np.random.default_rng(0)
    windows = [voice(number, length) for number, length in enumerate(random.uniform(0.4, 3.0, 40))]
    scores = {}
    for each in BatchScorer(compact).score(windows):
        assert isinstance(each, dict)
        scores |= each
    assert sorted(scores) == list(range(40))
    assert [scores[9]] == [pytest.approx(score_window(compact, windows[9]), abs=1e-5)]
    assert len(batches) < 20
    for lengths in batches:
        assert len(lengths) * max(lengths) <= 8.0 * RATE
        assert max(lengths) <= 1.2 * min(lengths)


def test_a_large_network_goes_window_by_window_on_a_processor(
    compact: AdaptedModel, batches: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_classification, "_WEIGHTS_TIMES_S", 1.0)
    list(BatchScorer(compact).score([voice(seed) for seed in range(3)]))
    assert [len(lengths) for lengths in batches] == [1, 1, 1]


@needs_int8
def test_int8_goes_window_by_window(compact: AdaptedModel, batches: list[list[int]]) -> None:
    convert(compact.encoder, "int8")
    windows = [voice(seed) for seed in range(4)]
    scores = [each for batch in BatchScorer(compact).score(windows) for each in batch.values()]
    assert [len(lengths) for lengths in batches] == [1] * 4
    assert scores == [score_window(compact, window) for window in windows]


def test_a_long_recording_is_not_held_whole(
    compact: AdaptedModel, write_wav: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[float] = []
    score = BatchScorer.score

    def watched(scorer: BatchScorer, windows: Sequence[Samples]) -> Iterator[dict[int, tuple[float, ...]]]:
        held.append(sum(map(len, windows)) / RATE)
        return score(scorer, windows)

    monkeypatch.setattr(BatchScorer, "score", watched)
    path = write_wav("long.wav", np.tile(voice(0, 10.0), 12))
    answers, _ = together(compact, [path], most_ahead_s=30.0)
    assert answers[0].window_count == 13
    assert sum(held) == pytest.approx(120.0)
    assert max(held) < 45.0


def test_there_is_something_to_tell_after_every_block_and_every_batch(
    compact: AdaptedModel, write_wav: Callable[..., Path], batches: list[list[int]]
) -> None:
    path = write_wav("long.wav", np.tile(voice(0, 10.0), 6))
    events = list(classify_in_batches(compact, [path]))
    assert [event.seconds for event in events if isinstance(event, Heard)] == [10, 20, 30, 40, 50, 60, 60]
    scored = [event for event in events if isinstance(event, Scored)]
    assert len(scored) == len(batches) > 1
    assert [len(event.answers) for event in scored] == [0] * (len(scored) - 1) + [1]


def test_where_memory_runs_out_batches_become_smaller(compact: AdaptedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def short_of_memory(model: AdaptedModel, windows: Sequence[Samples]) -> list[tuple[float, ...]]:
        tried.append(len(windows))
        if len(windows) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return score_windows(model, windows)

    monkeypatch.setattr(batch_classification, "score_windows", short_of_memory)
    windows = [voice(seed) for seed in range(9)]
    scores = {}
    for each in BatchScorer(compact).score(windows):
        assert isinstance(each, dict)
        scores |= each
    assert tried == [9, 4, 2, 2, 2, 2, 1]
    for number, window in enumerate(windows):
        assert scores[number] == pytest.approx(score_window(compact, window), abs=1e-5)


def test_where_a_gpu_is_too_small_for_one_window_the_processor_goes_on(
    compact: AdaptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [torch.device("cuda")]

    def to(model: AdaptedModel, device: torch.device) -> AdaptedModel:
        places.append(device)
        return model

    def without_room(model: AdaptedModel, windows: Sequence[Samples]) -> list[tuple[float, ...]]:
        if places[-1].type == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return score_windows(model, windows)

    windows = [voice(seed) for seed in range(3)]
    expected = [score_window(compact, window) for window in windows]
    monkeypatch.setattr(AdaptedModel, "to", to)
    monkeypatch.setattr(batch_classification, "score_windows", without_room)
    device = EmotionEncoder.device.fget
    monkeypatch.setattr(
        EmotionEncoder, "device", property(lambda encoder: places[-1] if len(places) == 1 else device(encoder))
    )
    remarks, scores = [], {}
    for each in BatchScorer(compact).score(windows):
        if isinstance(each, Remark):
            remarks.append(each.message)
        else:
            scores |= each
    assert remarks == ["The GPU's memory ran out: going on on the processor, which takes longer."]
    assert [scores[number] for number in range(3)] == [pytest.approx(each, abs=1e-5) for each in expected]


@pytest.mark.parametrize(
    ("error", "shown"),
    [(MemoryError(), MemoryShortError), (RuntimeError("shapes do not match"), RuntimeError)],
)
def test_what_cannot_be_mended_by_smaller_batches_is_raised(
    compact: AdaptedModel, monkeypatch: pytest.MonkeyPatch, error: Exception, shown: type[Exception]
) -> None:
    def failing(model: AdaptedModel, windows: Sequence[Samples]) -> list[tuple[float, ...]]:
        raise error

    monkeypatch.setattr(batch_classification, "score_windows", failing)
    with pytest.raises(shown):
        list(BatchScorer(compact).score([voice(0), voice(1)]))
