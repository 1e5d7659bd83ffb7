"""What a trained classifier answers."""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.backbones.protocol import Backbone
from engine.encoder import EmotionEncoder
from engine.systems.hgfm.downstream import Classifier
from engine.systems.hgfm.mixed import KeptFrames, MixedClip
from engine.systems.hgfm.scores import Answer
from engine.systems.hgfm.upstream import read_clip

_CLIPS_PER_ANSWER = 32


@torch.no_grad()
def logits_of_kept(classifier: Classifier, frames: KeptFrames, clips: Sequence[MixedClip]) -> Tensor:
    """Logits (clips, labels), on the CPU, of clips whose frames are kept."""
    classifier.eval()
    device = classifier.last.weight.device
    rows: dict[int, Tensor] = {}
    order = sorted(range(len(clips)), key=lambda number: frames.steps(clips[number]))
    for first in range(0, len(order), _CLIPS_PER_ANSWER):
        batch = order[first : first + _CLIPS_PER_ANSWER]
        hidden, mask = frames.batch([clips[number] for number in batch])
        rows.update(zip(batch, classifier(hidden.to(device), mask.to(device)).cpu(), strict=True))
    return torch.stack([rows[number] for number in range(len(clips))])


@torch.no_grad()
def logits_of_heard(classifier: Classifier, backbone: Backbone, clips: Sequence[MixedClip]) -> Tensor:
    """The same for clips that go through the upstream now."""
    encoder = EmotionEncoder(backbone, classifier.extractor)
    parts = []
    for first in range(0, len(clips), _CLIPS_PER_ANSWER):
        inputs = [encoder.front_end(read_clip(clip)) for clip in clips[first : first + _CLIPS_PER_ANSWER]]
        parts.append(classifier.last(encoder.embed(inputs)).cpu())
    return torch.cat(parts)


def answers_among(logits: Tensor, clips: Sequence[MixedClip]) -> list[Answer]:
    """The answers, the likeliest of the emotions that these clips have at all, as a corpus may lack some."""
    asked = sorted({clip.label for clip in clips})
    best = logits[:, asked].argmax(-1).tolist()
    return [Answer(clip.label, asked[number], clip.speaker) for clip, number in zip(clips, best, strict=True)]
