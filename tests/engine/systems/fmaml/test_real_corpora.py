"""Real speech, from the training to a model that answers."""

from pathlib import Path

import pytest

from engine.adaptation import Adapted, LabelledClip, adapt, resolve_settings
from engine.adaptation.clips import embed_whole, prepare
from engine.audio.windows import read_windows
from engine.bases import load_base
from engine.metalearning.corpora import read_corpus
from engine.metalearning.train import train_base
from tests.engine.systems.fmaml.conftest import tiny_recipe


@pytest.mark.corpora
@pytest.mark.slow
def test_a_base_trained_on_real_speech_learns_four_emotions_of_another_language(corpora: Path, tmp_path: Path) -> None:
    text = tiny_recipe(maml="", mfcc="").replace('"nemo", "ravdess"', '"korean-emotiontts"')
    text = text.replace("filters = 4", "filters = 16").replace("steps = 4\n", "steps = 15\n").replace('["emodb"]', "[]")
    (tmp_path / "recipe.toml").write_text(text)
    list(train_base(str(tmp_path / "recipe.toml"), corpora, tmp_path / "run", device="cpu"))
    base = load_base(str(tmp_path / "run" / "base"))
    labels = ("anger", "boredom", "neutral", "sadness")
    clips = read_corpus("emodb", corpora / "emodb").clips
    of_label = {label: [clip for clip in clips if clip.label == label] for label in labels}

    def taken(first: int, last: int) -> list[LabelledClip]:
        return [
            LabelledClip(tuple(read_windows(clip.path, 1)), number)
            for number, label in enumerate(labels)
            for clip in of_label[label][first:last]
        ]

    *_, adapted = adapt(base, taken(0, 8), labels, resolve_settings(base.recommended, steps=20))
    assert isinstance(adapted, Adapted)
    queries = [clip for clip in taken(8, 20) if labels[clip.label] != "neutral"]
    embeddings = embed_whole(adapted.encoder, prepare(adapted.encoder, queries))
    right = [
        answer == clip.label
        for answer, clip in zip(adapted.head.logits(embeddings).argmax(-1).tolist(), queries, strict=True)
    ]
    assert sum(right) > 0.4 * len(right)  # chance is a quarter
