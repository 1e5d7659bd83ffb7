"""Adapting a base of F-MAML: the fine-tuning of section 2.2, on clips of any labels."""

import copy
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from engine.adaptation import AdaptationSettings, Adapted, LabelledClip, Remark, StepTaken
from engine.adaptation.clips import sorted_by_content
from engine.bases import Base
from engine.emotions import emotion_of
from engine.encoder import EmotionEncoder
from engine.errors import BaseError
from engine.heads import last_layer
from engine.heads.speakers import neutral_label
from engine.systems.fmaml.maml import Batch, Fitted, InnerLoop, Learner, fit
from engine.systems.fmaml.network import FIXED, ConvolutionalNetwork
from engine.systems.fmaml.tasks import padded

MOST_WINDOWS_PER_LABEL = 20  # in one step: the paper's largest number of shots; each step draws anew
_SILENCE, _NEUTRAL = FIXED
_SILENCE_NAMES = frozenset({"silence", "silent", "no speech", "room tone", "silenzio", "stille"})


@dataclass(frozen=True)
class Assignment:
    """positions[label]: its output. `outputs`: all that take part in the softmax, ascending; `added` of them are new.

    `known`: the labels at a fixed output, which are not adapted to.
    """

    positions: tuple[int, ...]
    outputs: tuple[int, ...]
    added: int
    known: tuple[int, ...]


def assign_outputs(labels: Sequence[str], network: ConvolutionalNetwork) -> Assignment:
    """Outputs for a user's labels.

    The first label that means silence or neutral speech has that fixed output; the others have the outputs of the
    emotions, in their order. Where there are more of them than outputs, the rest has new ones behind all, which start
    as the mean of those of the emotions. In adapting, all fixed outputs take part, as they do in meta-training: no
    clip is theirs, but their weights move with all others (equation 2). The head has those of the labels alone.
    """
    fixed: dict[str, int] = {}
    if network.fixed:
        for number, label in enumerate(labels):
            meaning = meaning_of(label)
            if meaning is not None:
                fixed.setdefault(meaning, number)
    own = [number for number in range(len(labels)) if number not in fixed.values()]
    behind = network.output.out_features
    places = [place if place < network.ways else behind + place - network.ways for place in range(len(own))]
    positions = dict(zip(own, places, strict=True))
    positions |= {number: network.ways + FIXED.index(meaning) for meaning, number in fixed.items()}
    return Assignment(
        tuple(positions[number] for number in range(len(labels))),
        tuple(sorted({*places, *range(network.ways, behind)})),
        max(0, len(own) - network.ways),
        tuple(sorted(fixed.values())),
    )


def meaning_of(label: str) -> str | None:
    """Which fixed output a label's name asks for."""
    word = label.strip().lower()
    if word in _SILENCE_NAMES:
        return _SILENCE
    if emotion_of(word) == _NEUTRAL or neutral_label([word]) is not None:
        return _NEUTRAL
    return None


def adapt(
    base: Base,
    clips: Sequence[LabelledClip],
    labels: Sequence[str],
    settings: AdaptationSettings,
    device: torch.device,
) -> Iterator[StepTaken | Remark | Adapted]:
    """`settings.steps` inner steps at the inner rate `settings.learning_rate`, from the base's parameters.

    Clips of silence and neutral speech, as their labels' names tell, are not learnt from. The result does not depend
    on the order of the clips. Raises BaseError where the base is not one of F-MAML.
    """
    if not isinstance(base.encoder.extractor, ConvolutionalNetwork):
        raise BaseError(
            "This base is not one of F-MAML.", "Use the base fmaml, or train one with a recipe of kind fmaml."
        )
    encoder = copy.deepcopy(base.encoder).to(device)
    network = encoder.extractor
    assert isinstance(network, ConvolutionalNetwork)
    assignment = assign_outputs(labels, network)
    for number in assignment.known:
        yield Remark(
            f"'{labels[number]}' is known to this method from its training, so its clips are not learnt from.",
            "Name the label otherwise if it means something else.",
        )
    windows = _windows(encoder, clips, assignment)
    loss = None
    if windows:
        for taken in _learn(network, windows, assignment, settings):
            loss = taken.loss
            yield taken
    else:
        settings = replace(settings, steps=0)
    rows = list(assignment.positions)
    head = last_layer(network.output.weight[rows], network.output.bias[rows])
    _widen(network, -assignment.added)
    for parameter, original in zip(encoder.parameters(), base.encoder.parameters(), strict=True):
        parameter.requires_grad = original.requires_grad
    yield Adapted(encoder.eval(), head, None, settings, loss)


def _learn(
    network: ConvolutionalNetwork,
    windows: dict[int, list[Tensor]],
    assignment: Assignment,
    settings: AdaptationSettings,
) -> Iterator[StepTaken]:
    """Take the inner steps; `network`, with the outputs that were added, then has what was learnt."""
    _widen(network, assignment.added)
    for parameter in network.parameters():
        parameter.requires_grad = True
    loop = InnerLoop(settings.steps, settings.learning_rate)
    outputs = torch.tensor(assignment.outputs, device=network.output.weight.device)
    fitting = fit(Learner(network), _supports(windows, settings.seed), outputs, loop)
    for step, event in enumerate(fitting, start=1):
        if isinstance(event, Fitted):
            _take(network, event)
        else:
            yield StepTaken(step, settings.steps, event)


def _windows(encoder: EmotionEncoder, clips: Sequence[LabelledClip], assignment: Assignment) -> dict[int, list[Tensor]]:
    """MFCCs (frames, coefficients) of all windows by output, in an order that follows from what is in them."""
    windows: dict[int, list[Tensor]] = defaultdict(list)
    for clip in sorted_by_content(clips):
        if clip.label not in assignment.known:
            windows[assignment.positions[clip.label]] += [encoder.front_end(window).T for window in clip.windows]
    return dict(windows)


def _supports(windows: dict[int, list[Tensor]], seed: int) -> Iterator[Batch]:
    """A batch for every step: all windows, or of a label with many a new draw."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        drawn: list[Tensor] = []
        targets: list[int] = []
        for position, own in windows.items():
            order = list(range(len(own)))
            if len(own) > MOST_WINDOWS_PER_LABEL:
                order = sorted(torch.randperm(len(own), generator=generator)[:MOST_WINDOWS_PER_LABEL].tolist())
            drawn += [own[place] for place in order]
            targets += [position] * len(order)
        yield Batch(padded(drawn), torch.tensor(targets, device=drawn[0].device))


def _widen(network: ConvolutionalNetwork, count: int) -> None:
    """Put `count` outputs behind all, which start as the mean of those for emotions; fewer than 0: take them away."""
    if count == 0:
        return
    old = network.output
    new = nn.Linear(old.in_features, old.out_features + count, device=old.weight.device)
    kept = min(old.out_features, new.out_features)
    with torch.no_grad():
        for mine, theirs in ((new.weight, old.weight), (new.bias, old.bias)):
            mine[:kept] = theirs[:kept]
            mine[kept:] = theirs[: network.ways].mean(0)
    network.output = new


@torch.no_grad()
def _take(network: ConvolutionalNetwork, fitted: Fitted) -> None:
    """Make what was learnt the network's own."""
    for name, parameter in Learner(network).named_parameters():
        parameter.copy_(fitted.parameters[name])
    network.keep(fitted.statistics)
