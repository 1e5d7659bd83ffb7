"""A new language: a gate, connections and a tower of its own, on streams and encoders that are shared.

They start from the mean of the trained languages' and are trained on the labelled clips as in section 5.1: AdamW,
cross-entropy and the auxiliary loss, dropout 0.1. What the frozen streams and their encoders make of a clip is
computed once, so that a step takes milliseconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.adaptation.adapted import Adapted
from engine.adaptation.clips import LabelledClip, prepare, sorted_by_content
from engine.adaptation.settings import AdaptationSettings, Remark, StepTaken
from engine.adaptation.tuned_copy import shared_copy
from engine.base_folder import Base
from engine.encoder import EmotionEncoder
from engine.errors import BaseError, LabellingError
from engine.explanation import Explanation
from engine.heads import last_layer
from engine.systems.multigate.loss import ContrastiveLoss
from engine.systems.multigate.network import Encoded, MultiGate
from engine.systems.multigate.shapes import Steps, pad_steps
from engine.systems.multigate.streams import StreamsBackbone

ALPHA = 0.1  # of the auxiliary loss: the largest of the paper's three
WEIGHT_DECAY = 1e-5
_LEAST = 2  # clips of an emotion; the paper's "more than five" is for batches of a whole corpus
_OWN, _ALL = "extractor", "all"
_STREAM_TITLES = {
    "mfcc": "Spectrum (MFCC)",
    "compact": "Speech (Compact)",
    "ge2e": "Voice (GE2E)",
    "byola": "Sound of any kind (BYOL-A)",
}


@dataclass(frozen=True)
class _Windows:
    """Of all clips, sorted by content: what the streams make of each window, its label and its weight in the loss."""

    streams: list[list[Tensor]]
    labels: Tensor
    weights: Tensor

    def steps(self, rows: Sequence[int]) -> list[Steps]:
        """The streams of these windows, padded."""
        return [pad_steps([self.streams[row][number] for row in rows]) for number in range(len(self.streams[0]))]


def adapt(
    base: Base,
    clips: Sequence[LabelledClip],
    labels: Sequence[str],
    settings: AdaptationSettings,
    device: torch.device,
) -> Iterator[StepTaken | Remark | Adapted]:
    """Train what the new language has of its own ("extractor"), or the streams' encoders too ("all").

    Raises BaseError if the base is of another kind, LabellingError on another choice of what is trained.
    """
    encoder = _copy_of(base, settings.trained, device)
    network = encoder.extractor
    assert isinstance(network, MultiGate)
    windows = _windows(encoder, network, clips, len(labels))
    torch.manual_seed(settings.seed)
    head = nn.Linear(network.embedding_size, len(labels)).to(device)
    contrast = ContrastiveLoss().to(device)
    modules: list[nn.Module] = [head, contrast]
    modules += [network] if settings.trained == _ALL else network.own_parts(network.active)
    parameters = [parameter for module in modules for parameter in module.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=WEIGHT_DECAY)
    for module in modules:
        module.train()
    known = None if settings.trained == _ALL else _encode(network, windows)
    loss = None
    for step in range(1, settings.steps + 1):
        rows = list(range(len(windows.labels))) if known else _drawn(windows.labels, settings.most_clips_per_label)
        encoded = known or network.encode(windows.steps(rows))
        total, cross_entropy = _losses(network, head, contrast, encoded, windows.labels[rows], windows.weights[rows])
        optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        loss = float(cross_entropy.detach())
        yield StepTaken(step, settings.steps, loss)
    network.eval()
    listens_to = _listens_to(network, known or _encode(network, windows), windows.weights)
    yield Adapted(encoder, last_layer(head.weight, head.bias), None, settings, loss, explanation=listens_to)


def _copy_of(base: Base, trained: str, device: torch.device) -> EmotionEncoder:
    """Streams that are shared with the base, and a copy of its network for the new language, both on `device`."""
    original = base.encoder
    if not isinstance(original.extractor, MultiGate) or not isinstance(original.backbone, StreamsBackbone):
        raise BaseError(
            f"The base {base.name} is none of multi-gating.",
            "Use the base multigate, or train one: metatrain multigate.",
        )
    if trained not in (_OWN, _ALL):
        raise LabellingError(
            f"Multi-gating has no layers that '{trained}' could choose among.", f"Use {_OWN} or {_ALL}."
        )
    encoder = EmotionEncoder(shared_copy(original, device).backbone, original.extractor.for_new_language())
    encoder.extractor.to(device)
    return encoder


@torch.no_grad()
def _windows(encoder: EmotionEncoder, network: MultiGate, clips: Sequence[LabelledClip], label_count: int) -> _Windows:
    """A label weighs 1, a clip its share of that, and a long clip's window its share of the clip."""
    prepared = prepare(encoder, sorted_by_content(clips))
    counts = torch.bincount(torch.tensor([clip.label for clip in clips]), minlength=label_count).tolist()
    inputs = [window for clip in prepared for window in clip.windows]
    labels = [clip.label for clip in prepared for _ in clip.windows]
    weights = [n / sum(clip.durations) / counts[clip.label] for clip in prepared for n in clip.durations]
    streams: dict[int, list[Tensor]] = {}
    for batch in encoder.batches(inputs):
        read = network.read(encoder.backbone.encode([inputs[position] for position in batch]))
        for row, position in enumerate(batch):
            streams[position] = [values[row][mask[row]] for values, mask in read]
    device = encoder.device
    return _Windows(
        [streams[position] for position in range(len(inputs))],
        torch.tensor(labels, device=device),
        torch.tensor(weights, device=device),
    )


@torch.no_grad()
def _encode(network: MultiGate, windows: _Windows) -> Encoded:
    """f_i of every window, in eval mode, one by one: nothing is padded, and it is done once."""
    each = [network.encode(windows.steps([row])) for row in range(len(windows.labels))]
    return Encoded(torch.cat([one.features for one in each]), torch.cat([one.selector for one in each]))


@torch.no_grad()
def _listens_to(network: MultiGate, encoded: Encoded, weights: Tensor) -> Explanation | None:
    """The mean over the clips of what the new language's gate gives every stream (eq. 7, figure 4).

    weights (windows,): as in the loss, so that every label counts the same. None in the variants without gates.
    """
    gates = network.gate_weights(encoded, network.active)
    if gates is None:
        return None
    shares = (gates * weights[:, None]).sum(0) / weights.sum()
    titles = [_STREAM_TITLES.get(shape.name, shape.name) for shape in network.shapes]
    return Explanation("What it listens to in this language", tuple(zip(titles, shares.tolist(), strict=True)))


def _drawn(labels: Tensor, most: int) -> list[int]:
    """Rows of up to `most` windows of each label, in random order."""
    groups = [torch.nonzero(labels == label).flatten() for label in range(int(labels.max()) + 1)]
    return [row for group in groups for row in group[torch.randperm(len(group))[:most]].tolist()]


def _losses(
    network: MultiGate, head: nn.Module, contrast: ContrastiveLoss, encoded: Encoded, labels: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """The loss of eq. 6, and its cross-entropy alone."""
    representations = network.represent(encoded, network.active)
    logits = head(network.embed(representations, network.active))
    each = nn.functional.cross_entropy(logits, labels, reduction="none")
    cross_entropy = (each * weights).sum() / weights.sum()
    return cross_entropy + ALPHA * contrast(representations, labels, _LEAST), cross_entropy
