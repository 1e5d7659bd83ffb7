import dataclasses
from pathlib import Path

import torch

from engine.base_folder import Base, load_base_folder, save_base
from engine.known_emotions import KnownEmotions, learn_known_emotions

OFFSETS = {"anger": (2.0, 1.0), "fear": (-1.0, 2.0), "happiness": (1.0, -2.0), "sadness": (-2.0, -1.0)}


def corpus(middle: tuple[float, float], emotions: tuple[str, ...], seed: int) -> tuple[torch.Tensor, list[str]]:
    """Ten clips an emotion about its place; their mean is that place."""
    noise = torch.randn(10, 2, generator=torch.Generator().manual_seed(seed))
    noise -= noise.mean(0)
    rows = [torch.tensor(middle) + torch.tensor(OFFSETS[emotion]) + 0.1 * noise for emotion in emotions]
    return torch.cat(rows), [emotion for emotion in emotions for _ in range(10)]


def test_offsets_of_corpora_with_different_middles_and_emotions_are_found_up_to_their_scale() -> None:
    found = learn_known_emotions(
        [corpus((5.0, 5.0), ("anger", "fear", "sadness"), 0), corpus((-7.0, 0.0), ("fear", "happiness", "anger"), 1)]
    )
    expected = torch.tensor([OFFSETS[name] for name in found.names])
    expected -= expected.mean(0)
    assert found.names == ("anger", "fear", "happiness", "sadness")
    scale = (found.offsets * expected).sum() / expected.square().sum()
    assert scale > 0
    torch.testing.assert_close(found.offsets, scale * expected, rtol=1e-4, atol=1e-4)


def test_scale_is_in_a_clips_typical_distance_from_the_middle_of_its_corpus() -> None:
    embeddings, emotions = corpus((0.0, 0.0), tuple(OFFSETS), 0)
    found = learn_known_emotions([(embeddings, emotions)])
    larger = learn_known_emotions([(100 * embeddings + 3, emotions)])
    torch.testing.assert_close(found.offsets, larger.offsets, rtol=1e-4, atol=1e-4)
    assert 0.95 < float(found.offsets.norm(dim=1).mean()) <= 1.0, "nearly all that clips differ by is the emotion"


def test_labels_are_known_by_words_for_the_emotion_and_counted_from_the_middle_of_these() -> None:
    known = KnownEmotions(tuple(OFFSETS), torch.tensor(list(OFFSETS.values())))
    found = known.of_labels(["Joy", "respectful", " rabbia"])
    assert found is not None
    assert found.tolist() == [[-0.5, -1.5], [0.0, 0.0], [0.5, 1.5]]


def test_one_known_emotion_tells_nothing_apart() -> None:
    known = KnownEmotions(tuple(OFFSETS), torch.tensor(list(OFFSETS.values())))
    assert known.of_labels(["joy", "happy", "tired"]) is None


def test_a_base_tells_which_labels_it_knows(tiny_base: Base) -> None:
    known = KnownEmotions(tuple(OFFSETS), torch.tensor(list(OFFSETS.values())))
    knowing = dataclasses.replace(tiny_base, emotions=known)
    assert knowing.labels_known(["Freude", "respectful", "ira"]) == ("Freude", "ira")
    assert knowing.labels_known(["Freude", "joy", "disgust"]) == ()
    assert tiny_base.labels_known(["joy", "anger"]) == ()


def test_they_travel_in_the_folder_of_their_base(tmp_path: Path, tiny_base: Base) -> None:
    known = KnownEmotions(tuple(OFFSETS), torch.tensor(list(OFFSETS.values())))
    save_base(dataclasses.replace(tiny_base, emotions=known), tmp_path / "base", "# card", {})
    loaded = load_base_folder(tmp_path / "base").emotions
    assert loaded is not None
    assert (loaded.names, loaded.offsets.tolist()) == (known.names, known.offsets.tolist())
    save_base(tiny_base, tmp_path / "nameless", "# card", {})
    assert load_base_folder(tmp_path / "nameless").emotions is None
