"""Training of a downstream model, alone on frames that are kept, or together with its upstream."""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from engine.backbones.protocol import Backbone
from engine.encoder import EmotionEncoder
from engine.metalearning.checkpoints import read_position
from engine.specaugment import SpecAugment
from engine.systems.hgfm.downstream import Classifier
from engine.systems.hgfm.mixed import KeptFrames, MixedClip
from engine.systems.hgfm.phase import Phase, StepDone, run_phase, seed_of
from engine.systems.hgfm.recipe import TrainingSection, Upstream
from engine.systems.hgfm.upstream import embed_with_gradient, read_clip, unfreeze

_STEPS_PER_S = 25.0  # of frames two by two, where the upstream makes 50 a second
_SAMPLES_PER_S = 16_000


class Training:
    """`folder` keeps the checkpoints; the same training in the same folder goes on, or is done at once."""

    def __init__(
        self,
        classifier: Classifier,
        plan: TrainingSection,
        seed: int,
        clips: Sequence[MixedClip],
        digest: str,
        folder: Path,
    ) -> None:
        self._classifier, self._plan, self._seed, self._clips = classifier, plan, seed, clips
        self._digest, self._folder = digest, folder
        self.steps_per_epoch = math.ceil(len(clips) / plan.batch)

    @property
    def done(self) -> int:
        """Steps that are done, by the checkpoints."""
        places = [self._checkpoint(upstream) for upstream in dict.fromkeys((Upstream.FROZEN, self._plan.upstream))]
        return sum(read_position(place).step for place in places if place.is_file())

    def _checkpoint(self, upstream: Upstream) -> Path:
        """Of the phase in which `upstream` is trained."""
        return self._folder / f"{upstream}.safetensors"

    def alone(self, frames: KeptFrames, *, rate: float = _STEPS_PER_S) -> Iterator[StepDone]:
        """Train the classifier on frames of the frozen upstream, `rate` a second."""
        classifier, device = self._classifier, self._classifier.last.weight.device
        longest = round(self._plan.longest_s * rate)

        def loss(step: int) -> Tensor:
            classifier.train()
            members = self._members(step)
            hidden, mask = frames.batch(members, longest, np.random.default_rng([self._seed, 1, step]))
            return _cross_entropy(classifier(hidden.to(device), mask.to(device)), members)

        groups = ((tuple(classifier.parameters()), self._plan.learning_rate),)
        yield from run_phase(self._phase(classifier, groups, loss, self._plan.epochs, Upstream.FROZEN))

    def together(self, backbone: Backbone) -> Iterator[StepDone]:
        """Train classifier and upstream on the sound itself. Raises RecipeError, AudioError."""
        unfreeze(backbone, self._plan.upstream)
        encoder = EmotionEncoder(backbone, self._classifier.extractor)
        whole = nn.ModuleList([self._classifier, backbone])
        augment = SpecAugment() if self._plan.masks else None
        longest = round(self._plan.longest_s * _SAMPLES_PER_S)

        def loss(step: int) -> Tensor:
            self._classifier.train()  # the upstream stays in eval mode: its own dropout is not the paper's
            members = self._members(step)
            random = np.random.default_rng([self._seed, 2, step])
            heard = []
            for clip in members:
                samples = read_clip(clip)
                start = int(random.integers(max(0, len(samples) - longest) + 1))
                heard.append(samples[start : start + longest])
            generator = torch.Generator().manual_seed(seed_of(self._seed, 3, step))
            return _cross_entropy(
                self._classifier.last(embed_with_gradient(encoder, heard, augment, generator)), members
            )

        groups = (
            (tuple(self._classifier.parameters()), self._plan.learning_rate),
            (tuple(backbone.parameters()), self._plan.backbone_learning_rate),
        )
        yield from run_phase(self._phase(whole, groups, loss, self._plan.tuned_epochs, self._plan.upstream))

    def _phase(
        self,
        module: nn.Module,
        groups: tuple[tuple[tuple[nn.Parameter, ...], float], ...],
        loss: Callable[[int], Tensor],
        epochs: int,
        upstream: Upstream,
    ) -> Phase:
        return Phase(
            module,
            groups,
            loss,
            epochs * self.steps_per_epoch,
            self._plan.weight_decay,
            self._seed,
            self._digest,
            self._checkpoint(upstream),
        )

    def _members(self, step: int) -> list[MixedClip]:
        """The clips of a step: every epoch goes through all of them, in an order of its own."""
        epoch, place = divmod(step - 1, self.steps_per_epoch)
        order = np.random.default_rng([self._seed, 0, epoch]).permutation(len(self._clips))
        return [self._clips[number] for number in order[place * self._plan.batch : (place + 1) * self._plan.batch]]


def _cross_entropy(logits: Tensor, clips: Sequence[MixedClip]) -> Tensor:
    """Eq. 7."""
    targets = torch.tensor([clip.label for clip in clips], device=logits.device)
    return nn.functional.cross_entropy(logits, targets)
