"""Several frozen feature streams of one clip as one backbone (section 3 of the paper: five pre-trained extractors).

Ours are MFCCs, the compact base's encoder in the place of wav2vec, and the GE2E speaker encoder. Who has the weights
can add BYOL-A, and any model of the wav2vec 2.0 family, also one that was tuned to recognise phones, in the place of
Allosaurus: hf:FOLDER with a Wav2Vec2ForCTC is read without its last layer (`open_stream`). Streams lie side by side in
the channels of frames, 50 a second, so that the rest of the engine sees frames like any others.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.audio.mfcc import Mfcc
from engine.backbones.compact import LAYERS_OF_EMOTION, MEL_RATE_HZ, CompactBackbone
from engine.backbones.protocol import Backbone, Frames
from engine.choices import COMPACT_ENCODER
from engine.encoder import build_backbone
from engine.specaugment import ClipMasks, SpecAugment
from engine.systems.multigate import byola, ge2e
from engine.systems.multigate.recipe import stream_name
from engine.systems.multigate.shapes import Reading, Steps, read_steps

_COEFFICIENTS = 40
_HOP = 160  # samples of a front-end step: 10 ms


class Stream(nn.Module, ABC):
    """One feature extractor, frozen.

    name: unlike that of others beside it; size: channels of its frames; features: rows of its front end.
    """

    name: str
    size: int
    features: int
    reading: Reading

    @abstractmethod
    def front_end(self, samples: Tensor) -> Tensor:
        """Samples (n,) at 16 kHz to (features, n // 160, or 1), 100 steps a second."""

    @abstractmethod
    def encode(self, inputs: Sequence[Tensor]) -> Tensor:
        """Front-end outputs to frames (clips, most frames, size), one for two steps; of a vector (clips, 1, size)."""

    @abstractmethod
    def specification(self) -> dict[str, Any]:
        """JSON from which `from_specification` makes the same stream again."""

    def alone(self) -> Backbone:
        """This stream as a backbone, for keeping what it makes of a corpus."""
        return StreamsBackbone([self])

    def read(self, frames: Frames) -> Steps:
        """The frames of `alone` as networks read them."""
        return read_steps(frames, self.reading)


class MfccStream(Stream):
    """40 MFCCs, 100 a second, two neighbours side by side in a frame; an odd last one stands there twice."""

    reading = Reading.STACKED

    def __init__(self) -> None:
        super().__init__()
        self.name, self.features, self.size = "mfcc", _COEFFICIENTS, 2 * _COEFFICIENTS
        self.mfcc = Mfcc(_COEFFICIENTS, normalised=True)

    def front_end(self, samples: Tensor) -> Tensor:
        cepstra: Tensor = self.mfcc(samples)
        return cepstra

    def encode(self, inputs: Sequence[Tensor]) -> Tensor:
        even = [torch.cat([each, each[:, -1:]], dim=1) if each.shape[1] % 2 else each for each in inputs]
        return nn.utils.rnn.pad_sequence([each.T.reshape(-1, self.size) for each in even], batch_first=True)

    def specification(self) -> dict[str, Any]:
        return {"kind": "mfcc"}


class VectorStream(Stream):
    """One vector a clip, which an encoder makes of a mel spectrogram of its own."""

    reading = Reading.VECTOR

    def __init__(self, mel: nn.Module, encoder: ge2e.SpeakerEncoder | byola.AudioEncoder) -> None:
        super().__init__()
        self.mel, self.encoder = mel, encoder

    def front_end(self, samples: Tensor) -> Tensor:
        mel: Tensor = self.mel(samples)
        return mel

    def encode(self, inputs: Sequence[Tensor]) -> Tensor:
        return self.encoder.embed(inputs)[:, None]


class SpeakerStream(VectorStream):
    """The GE2E speaker embedding: 256 numbers a clip."""

    def __init__(self, encoder: ge2e.SpeakerEncoder | None = None) -> None:
        super().__init__(ge2e.SpeakerMel(), encoder or ge2e.SpeakerEncoder())
        self.name, self.features, self.size = "ge2e", ge2e.BANDS, ge2e.SIZE

    def specification(self) -> dict[str, Any]:
        return {"kind": "ge2e"}


class AudioStream(VectorStream):
    """The BYOL-A embedding of the clip: 512 to 3072 numbers, as published.

    One vector, not its frames: so the multi-gating paper has it (section 4.1: "1-d feature representations, e.g. GE2E,
    BYOL"), where it is what the gates look at as well (section 5.3).
    """

    def __init__(self, encoder: byola.AudioEncoder) -> None:
        super().__init__(byola.AudioMel(encoder.layout), encoder)
        self.name, self.features, self.size = "byola", byola.BANDS, encoder.layout.size
        self._layout = encoder.layout

    def specification(self) -> dict[str, Any]:
        return {"kind": "byola", "layout": asdict(self._layout)}


class EncoderStream(Stream):
    """The layers read of a compact or wav2vec 2.0 type encoder, side by side."""

    reading = Reading.PAIRS

    def __init__(self, name: str, backbone: Backbone) -> None:
        super().__init__()
        self.name, self.backbone = name, backbone
        self.size = backbone.hidden_size * len(backbone.read_layers)
        rate_hz = MEL_RATE_HZ if isinstance(backbone, CompactBackbone) else MEL_RATE_HZ / 2
        self._repeats = round(MEL_RATE_HZ / rate_hz)  # front ends of the wav2vec 2.0 family have 50 steps a second
        self.features = len(backbone.front_end(torch.zeros(10 * _HOP)))

    def front_end(self, samples: Tensor) -> Tensor:
        steps = self.backbone.front_end(samples).repeat_interleave(self._repeats, dim=1)
        wanted = max(1, len(samples) // _HOP)
        lacking = max(0, wanted - steps.shape[1])  # their last window would reach beyond the end
        return torch.cat([steps[:, :wanted], steps[:, -1:].expand(-1, lacking)], dim=1)

    def encode(self, inputs: Sequence[Tensor]) -> Tensor:
        hidden = self.backbone.encode([each[:, :: self._repeats] for each in inputs]).hidden
        return torch.cat(list(hidden), dim=-1)

    def specification(self) -> dict[str, Any]:
        return {"kind": "encoder", "name": self.name, "backbone": self.backbone.specification()}

    def alone(self) -> Backbone:
        # what other trainings keep of compact can be used; others are lengthened by `front_end`
        return self.backbone if self._repeats == 1 else super().alone()


class StreamsBackbone(Backbone):
    """Streams side by side in the channels, in the order given; there are no layers, and layer 0 is what is read."""

    kind = "streams"

    def __init__(self, streams: Sequence[Stream]) -> None:
        super().__init__()
        self.streams = nn.ModuleList(streams)
        self.hidden_size = sum(stream.size for stream in streams)
        self.read_layers = (0,)
        self.layers = nn.ModuleList()
        self.eval().requires_grad_(requires_grad=False)

    @property
    def members(self) -> list[Stream]:
        """The streams, in the order of their channels."""
        return [stream for stream in self.streams if isinstance(stream, Stream)]

    @torch.no_grad()
    def front_end(self, samples: Tensor) -> Tensor:
        """Samples (n,) to what the streams' own front ends make of them, one above the other, 100 steps a second."""
        return torch.cat([stream.front_end(samples) for stream in self.members])

    def draw_masks(self, inputs: Sequence[Tensor], augment: SpecAugment, generator: torch.Generator) -> list[ClipMasks]:
        return [augment.draw(each.shape[-1], each.shape[0], MEL_RATE_HZ, generator) for each in inputs]

    def first_state(self, inputs: Sequence[Tensor], masks: Sequence[ClipMasks] | None) -> tuple[Tensor, list[int]]:
        if masks is not None:
            inputs = [_masked(each, of_clip) for each, of_clip in zip(inputs, masks, strict=True)]
        lengths = [(each.shape[-1] + 1) // 2 for each in inputs]
        parts = []
        rows = 0
        for stream in self.members:
            frames = stream.encode([each[rows : rows + stream.features] for each in inputs])
            parts.append(frames.expand(-1, max(lengths), -1))
            rows += stream.features
        return torch.cat(parts, dim=-1), lengths

    def run_layer(self, index: int, state: Tensor, surroundings: Any) -> Tensor:  # noqa: ARG002
        raise IndexError(f"feature streams have no layer {index}")

    def specification(self) -> dict[str, Any]:
        return {"kind": self.kind, "streams": [stream.specification() for stream in self.members]}


def _masked(inputs: Tensor, masks: ClipMasks) -> Tensor:
    """Front-end output (features, steps) whose masked parts are the mean of their row."""
    hidden = masks.channels[:, None] | masks.time[None, :]
    return torch.where(hidden.to(inputs.device), inputs.mean(1, keepdim=True), inputs)


def from_specification(specification: dict[str, Any]) -> StreamsBackbone:
    """The backbone that `specification` describes, its weights to be filled in. Raises KeyError, ValueError."""
    return StreamsBackbone([_stream(each) for each in specification["streams"]])


def _stream(facts: dict[str, Any]) -> Stream:
    match facts["kind"]:
        case "mfcc":
            return MfccStream()
        case "ge2e":
            return SpeakerStream()
        case "byola":
            return AudioStream(byola.AudioEncoder(byola.Layout(**facts["layout"])))
        case "encoder":
            return EncoderStream(facts["name"], build_backbone(facts["backbone"]))
    raise ValueError(f"unknown stream kind {facts['kind']!r}")


def open_stream(name: str) -> tuple[Stream, str]:
    """The stream called `name` with its weights, and their licence.

    mfcc; compact: layers 2 and 3 of `compact-encoder`; ge2e, or ge2e:FOLDER; byola:FOLDER (made by
    packaging/convert_byola.py); else what `load_start` takes (hf:FOLDER or store name of a model of the wav2vec 2.0
    family, also of one that recognises phones, which tells them from its highest layer), with "@12" behind it where
    another layer than the highest is to be read. Raises BaseError, RecipeError.
    """
    from engine.metalearning.start import load_start  # which needs the encoder's registry

    if name == "mfcc":
        return MfccStream(), "none (MFCCs have no weights)"
    kind, _, rest = name.partition(":")
    folder = Path(rest) if rest else None
    if kind == "ge2e":
        speaker, licence = ge2e.load_speaker_encoder(folder)
        return SpeakerStream(speaker), licence
    if kind == "byola":
        audio, licence = byola.load_audio_encoder(folder)
        return AudioStream(audio), licence
    if name == "compact":
        start = load_start(COMPACT_ENCODER, LAYERS_OF_EMOTION)
        return EncoderStream(name, start.backbone), start.licence
    model, _, layer = name.rpartition("@")
    layers = (int(layer),) if model and layer.isdigit() else ()
    start = load_start(model if layers else name, layers)
    return EncoderStream(stream_name(name), start.backbone), start.licence
