"""Real streams and real speech, with a network whose weights are drawn at random."""

from collections import defaultdict
from pathlib import Path

import pytest
import torch

from engine.adaptation import Adapted, LabelledClip, adapt
from engine.adaptation.settings import resolve_settings
from engine.audio.windows import read_windows
from engine.base_folder import Base
from engine.choices import Recommended
from engine.encoder import EmotionEncoder
from engine.metalearning.corpora import read_corpus
from engine.systems.multigate.recipe import StreamsSection
from engine.systems.multigate.train import open_streams
from tests.engine.systems.multigate.conftest import tiny_network

EMOTIONS = ("anger", "sadness")
TAUGHT, ASKED = 4, 6


@pytest.mark.corpora
def test_two_emotions_of_a_language_are_learnt_from_four_clips_each(corpora: Path) -> None:
    groups: dict[str, list[Path]] = defaultdict(list)
    for clip in read_corpus("emodb", corpora / "emodb").clips:
        groups[str(clip.label)].append(clip.path)
    backbone, licence = open_streams(StreamsSection())
    assert "Whisper" in licence
    assert "Resemblyzer" in licence
    network = tiny_network(backbone).for_new_language()
    base = Base("random", EmotionEncoder(backbone, network), standardised=False, licence=licence)
    clips = [
        LabelledClip(tuple(read_windows(path, 1)), label)
        for label, name in enumerate(EMOTIONS)
        for path in groups[name][: TAUGHT + ASKED]
    ]
    taught = [clip for at, clip in enumerate(clips) if at % (TAUGHT + ASKED) < TAUGHT]
    asked = [clip for at, clip in enumerate(clips) if at % (TAUGHT + ASKED) >= TAUGHT]
    recommended = Recommended("multigate", steps=40, learning_rate=3e-3, head="linear", trained="extractor")
    *_, adapted = adapt(base, taught, EMOTIONS, resolve_settings(recommended))
    assert isinstance(adapted, Adapted)
    with torch.no_grad():
        embeddings = adapted.encoder.embed([adapted.encoder.front_end(clip.windows[0]) for clip in asked])
    answered = adapted.head.logits(embeddings).argmax(1)
    hits = (answered == torch.tensor([clip.label for clip in asked])).float().mean()
    assert hits > 0.75  # these two are told by their loudness and pitch alone
