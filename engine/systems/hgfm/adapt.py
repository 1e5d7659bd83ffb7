"""From labelled clips to a model: the paper's fine-tuning (section III.B), with a last layer for the user's labels."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from engine.adaptation.adapted import Adapted
from engine.adaptation.clips import LabelledClip, PreparedClip, prepare, sorted_by_content
from engine.adaptation.drawn import Drawn, backward
from engine.adaptation.settings import AdaptationSettings, Remark, StepTaken
from engine.adaptation.tuned_copy import TunedCopy, copy_for_tuning, shared_copy
from engine.base_folder import Base
from engine.encoder import MOST_CLIPS_IN_BATCH, EmotionEncoder
from engine.extractors import pool_pairs
from engine.heads import last_layer
from engine.precision import tuning_autocast
from engine.systems.hgfm.network import HierarchicalGrainedFeatureModel
from engine.systems.hgfm.upstream import frame_statistics

_Window = tuple[int, int]  # number of the clip, and of the window in it

_BACKBONE_SHARE = 0.05  # of the learning rate: 1e-5 beside 2e-4, which destroys a whole encoder


def adapt(
    base: Base,
    clips: Sequence[LabelledClip],
    labels: Sequence[str],
    settings: AdaptationSettings,
    device: torch.device,
) -> Iterator[StepTaken | Remark | Adapted]:
    """Full-batch steps of AdamW on the cross-entropy of all clips (eq. 7); every label weighs the same.

    `settings.trained` "extractor" is Table II's frozen upstream, "all" its fine-tuned one. Where `base` has no HGFM,
    a fresh one is put on its encoder. The clips' order does not matter. Nothing is masked: with 5 clips a label
    masks of time on the frames were no better (EmoDB, 8 episodes: 85.9 and 87.0 %). Raises LabellingError.
    """
    clips = sorted_by_content(clips)
    encoder = shared_copy(base.encoder, device)
    if not isinstance(encoder.extractor, HierarchicalGrainedFeatureModel):
        yield Remark(
            "This base holds no trained HGFM: one is trained on your clips from nothing.",
            "From the base hgfm it starts with what other languages have taught it.",
        )
        encoder = _with_fresh_network(encoder, clips, settings.seed)
    tuned = copy_for_tuning(encoder, settings.trained, settings.seed, device)
    prepared = prepare(tuned.encoder, clips)
    last = nn.Linear(encoder.embedding_size, len(labels), device=device)
    nn.init.zeros_(last.weight)  # every label starts alike, whatever its number
    nn.init.zeros_(last.bias)
    loss = None
    for taken in _train(tuned, last, prepared, settings):
        loss = taken.loss
        yield taken
    added = tuned.finish()
    yield Adapted(tuned.encoder, last_layer(last.weight, last.bias), None, settings, loss, added.lora)


def _train(
    tuned: TunedCopy, last: nn.Linear, clips: Sequence[PreparedClip], settings: AdaptationSettings
) -> Iterator[StepTaken]:
    targets = torch.tensor([clip.label for clip in clips], device=last.weight.device)
    weights = 1.0 / torch.bincount(targets, minlength=last.out_features)
    downstream = {id(parameter) for parameter in tuned.encoder.extractor.parameters()}
    own = [parameter for parameter in tuned.parameters if id(parameter) in downstream]
    upstream = [parameter for parameter in tuned.parameters if id(parameter) not in downstream]
    groups = [
        {"params": [*last.parameters(), *own], "lr": settings.learning_rate},
        {"params": upstream, "lr": settings.learning_rate * _BACKBONE_SHARE},
    ]
    optimiser = torch.optim.AdamW(groups)  # section III.B
    source = (_TunedUpstream if upstream else _FrozenUpstream)(tuned, clips, settings.precision)

    def loss_of(embeddings: Tensor) -> Tensor:
        return nn.functional.cross_entropy(last(embeddings), targets, weight=weights)

    for step in range(1, settings.steps + 1):
        optimiser.zero_grad(set_to_none=True)
        loss = source.backward(step - 1, loss_of)
        optimiser.step()
        yield StepTaken(step, settings.steps, loss)


class _Upstream(ABC):
    """A window of every clip in a step, of a long clip another one every time."""

    def __init__(self, tuned: TunedCopy, clips: Sequence[PreparedClip], precision: str) -> None:
        self._tuned, self._clips, self._precision = tuned, clips, precision
        self._kept: dict[_Window, Tensor] = {}

    @abstractmethod
    def backward(self, turn: int, loss_of: Callable[[Tensor], Tensor]) -> float:
        """Add the gradient of the loss of this turn's embeddings (clips, embedding size); the loss."""

    @abstractmethod
    def compute(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """What is kept of front-end outputs."""

    def windows(self, turn: int) -> list[_Window]:
        return [(number, turn % len(clip.windows)) for number, clip in enumerate(self._clips)]

    def inputs(self, windows: Sequence[_Window]) -> list[Tensor]:
        return [self._clips[number].windows[index] for number, index in windows]

    def kept(self, windows: Sequence[_Window]) -> list[Tensor]:
        missing = [window for window in windows if window not in self._kept]
        if missing:
            with torch.no_grad(), tuning_autocast(self._tuned.encoder.device, self._precision):
                self._kept |= dict(zip(missing, self.compute(self.inputs(missing)), strict=True))
        return [self._kept[window] for window in windows]


class _FrozenUpstream(_Upstream):
    """The frames, two by two, are computed once; all clips go through the network as one batch."""

    def backward(self, turn: int, loss_of: Callable[[Tensor], Tensor]) -> float:
        frames = self.kept(self.windows(turn))
        lengths = torch.tensor([len(each) for each in frames], device=frames[0].device)
        hidden = nn.utils.rnn.pad_sequence(frames, batch_first=True)
        mask = torch.arange(hidden.shape[1], device=hidden.device)[None] < lengths[:, None]
        extractor = self._tuned.encoder.extractor
        assert isinstance(extractor, HierarchicalGrainedFeatureModel)
        loss = loss_of(extractor.pool(hidden, mask))
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def compute(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        encoder = self._tuned.encoder
        rows: dict[int, Tensor] = {}
        for batch in encoder.batches(inputs):
            hidden, mask = pool_pairs(encoder.backbone.encode([inputs[index] for index in batch]))
            rows |= {index: hidden[row][mask[row]] for row, index in enumerate(batch)}
        return [rows[index] for index in range(len(inputs))]


class _TunedUpstream(_Upstream):
    """What the layers below the first that is tuned make of a window is computed once."""

    def backward(self, turn: int, loss_of: Callable[[Tensor], Tensor]) -> float:
        windows = self.windows(turn)
        states = self.kept(windows) if self._tuned.depth else None
        drawn = Drawn(self._tuned, self.inputs(windows), None, states, self._precision)
        # in parts it takes the memory of one batch, whose activations are what fills it
        return backward(drawn, loss_of, in_parts=len(windows) > MOST_CLIPS_IN_BATCH)

    def compute(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        return self._tuned.encoder.lower(inputs, None, self._tuned.depth)


def _with_fresh_network(encoder: EmotionEncoder, clips: Sequence[LabelledClip], seed: int) -> EmotionEncoder:
    """An encoder of the same backbone with an untrained HGFM, which knows no more than the clips' statistics."""
    backbone, device = encoder.backbone, encoder.device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = HierarchicalGrainedFeatureModel(backbone.hidden_size, len(backbone.read_layers)).to(device)
    inputs = [encoder.front_end(window) for clip in clips for window in clip.windows]
    network.channel_mean, network.channel_spread = frame_statistics(backbone, inputs)
    return EmotionEncoder(backbone, network)
