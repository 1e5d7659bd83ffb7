"""The comparison with eGeMAPS: the same episodes as `serstudio evaluate`, features kept outside the repository."""

from pathlib import Path

import numpy as np
import pytest

from engine.bench.egemaps import Features, episode_accuracies, load_features, standardise
from engine.choices import Protocol
from engine.evaluation.episodes import EpisodeSampler, EpisodeShape
from tests.engine.metalearning.corpora.trees import make_tree, write_table

LABELS = ("anger", "fear", "joy", "sadness")


def separable(clips_per_label: int) -> Features:
    """Four clouds far apart, in units that differ by orders of magnitude."""
    random = np.random.default_rng(0)
    labels = tuple(label for label in LABELS for _ in range(clips_per_label))
    middles = np.eye(4).repeat(clips_per_label, axis=0)
    values = (middles + 0.05 * random.standard_normal(middles.shape)) * [1, 1000, 0.001, 1]
    speakers = tuple(f"s{position % 2}" for position in range(len(labels)))
    return Features(values.astype(np.float32), labels, speakers)


@pytest.mark.parametrize("kind", ["logistic", "prototypes"])
def test_separable_labels_are_told_apart_whatever_the_units(kind: str) -> None:
    features = separable(12)
    sampler = EpisodeSampler(features.labels, features.speakers, EpisodeShape(4, 2, 3), Protocol.NEW_SPEAKERS, 0)

    assert list(episode_accuracies(features, sampler, kind, 5)) == [1.0] * 5


def test_a_constant_feature_does_no_harm() -> None:
    values = np.array([[1, 5], [3, 5]], np.float32)

    assert standardise(values).tolist() == [[-1, 0], [1, 0]]


def test_rows_are_the_manifests_in_its_order_and_features_are_kept(tmp_path: Path, monkeypatch) -> None:
    rows = [
        {"file": "b.wav", "label": "rabbia", "speaker": "f1"},
        {"file": "a.wav", "label": "gioia", "speaker": ""},
        {"file": "no such.wav", "label": "gioia", "speaker": "f1"},
        {"file": "c.wav", "label": "", "speaker": "f1"},
    ]
    make_tree(tmp_path / "emovo", ["a.wav", "b.wav", "c.wav"])
    write_table(tmp_path / "emovo/manifest.csv", rows)
    computed: list[list[str]] = []

    def compute(files: list[Path]) -> np.ndarray:
        computed.append([file.name for file in files])
        return np.zeros((len(files), 88), np.float32)

    monkeypatch.setattr("engine.bench.egemaps._compute", compute)

    for _ in range(2):
        features = load_features(tmp_path / "emovo/manifest.csv", tmp_path / "cache")

    assert (features.labels, features.speakers) == (("rabbia", "gioia"), ("f1", None))
    assert computed == [["b.wav", "a.wav"]]
