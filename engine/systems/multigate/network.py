"""The network of the paper as an extractor: streams to f_i, gates, connections and towers by language."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import torch
from torch import Tensor, nn

from engine.backbones.protocol import Frames
from engine.extractors import Extractor
from engine.systems.multigate.encoding import build_stream_encoder
from engine.systems.multigate.gates import Connections, Gate, Tower, Transitions
from engine.systems.multigate.shapes import Reading, Steps, StreamShape, read_steps

NEW_LANGUAGE = "new"  # what adapting starts from: the mean of what the trained languages have
_SHARED = "all"


class Variant(StrEnum):
    """What languages have of their own (section 5.2.2). BASE: nothing; SHARED_BOTTOM and OMOE: towers (OMOE has one
    gate for all); MMOE: gates too; OURS: gates and connections."""

    BASE = "base"
    SHARED_BOTTOM = "shared-bottom"
    OMOE = "omoe"
    MMOE = "mmoe"
    OURS = "ours"


@dataclass(frozen=True)
class Encoded:
    """features: f_i(x) of every stream (clips, streams, size); selector: what the gates look at (clips, its size)."""

    features: Tensor
    selector: Tensor


class MultiGate(Extractor):
    """y_k = h_k(sum_i g_i(x) u_i(x)), of which h_k's last layer is the head.

    languages: the domains k; active: the one that `forward` speaks. selector: name of the stream that the gates look
    at, as it is if it is a vector, else encoded. `means`, `spreads`: of every stream's channels in the corpora.
    """

    kind = "multigate"

    def __init__(
        self,
        hidden_size: int,
        layers: int,
        streams: Sequence[Mapping[str, Any]],
        languages: Sequence[str],
        active: str,
        variant: str = Variant.OURS,
        selector: str = "ge2e",
        size: int = 128,
        tower: int = 256,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(hidden_size, layers)
        self.shapes = tuple(StreamShape.read(facts) for facts in streams)
        if hidden_size != sum(shape.size for shape in self.shapes):
            raise ValueError(f"streams of {[shape.size for shape in self.shapes]} channels in {hidden_size}")
        self.languages, self.active, self.variant = tuple(languages), active, Variant(variant)
        self.size, self.dropout, self.embedding_size = size, dropout, tower
        self.selector = selector
        self._selecting = [shape.name for shape in self.shapes].index(selector)
        for number, shape in enumerate(self.shapes):
            self.register_buffer(f"mean_{number}", torch.zeros(shape.channels))
            self.register_buffer(f"spread_{number}", torch.ones(shape.channels))
        self.encoders = nn.ModuleList(build_stream_encoder(shape, size, dropout) for shape in self.shapes)
        count = len(self.shapes)
        self.transitions = Transitions(count, size) if self.variant is Variant.OURS else None
        self.gates, self.connections, self.towers = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for name in dict.fromkeys(self._owner(language, Variant.OMOE) for language in languages):
            if self.variant not in (Variant.BASE, Variant.SHARED_BOTTOM):
                self.gates[name] = Gate(self.selector_size, count)
            if self.variant is Variant.OURS:
                self.connections[name] = Connections(count)
        for name in dict.fromkeys(map(self._owner, languages)):
            self.towers[name] = Tower(size, tower, dropout)

    @property
    def selector_size(self) -> int:
        shape = self.shapes[self._selecting]
        return shape.channels if shape.reading is Reading.VECTOR else self.size

    def _owner(self, language: str, *shared: Variant) -> str:
        """Whose part `language` uses, where the parts are shared in `shared` and in the base variant."""
        return _SHARED if self.variant in (Variant.BASE, *shared) else language

    def specification(self) -> dict[str, Any]:
        return super().specification() | {
            "streams": [asdict(shape) | {"reading": shape.reading.value} for shape in self.shapes],
            "languages": list(self.languages),
            "active": self.active,
            "variant": self.variant.value,
            "selector": self.selector,
            "size": self.size,
            "tower": self.embedding_size,
            "dropout": self.dropout,
        }

    def forward(self, frames: Frames) -> Tensor:
        return self.embed(self.represent(self.encode(self.read(frames)), self.active), self.active)

    def read(self, frames: Frames) -> list[Steps]:
        """The streams apart, in half precision: so they are kept for training, and nothing else is ever seen."""
        parts, start = [], 0
        for shape in self.shapes:
            own = Frames(frames.hidden[-1:, :, :, start : start + shape.size], frames.lengths)
            values, mask = read_steps(own, shape.reading)
            parts.append((values.half().float(), mask))
            start += shape.size
        return parts

    def encode(self, streams: Sequence[Steps]) -> Encoded:
        """f_i of all streams, which languages share."""
        features = []
        selector = None
        for number, (values, mask) in enumerate(streams):
            standard = (values - getattr(self, f"mean_{number}")) / getattr(self, f"spread_{number}")
            features.append(self.encoders[number](standard, mask))
            if number == self._selecting:
                is_vector = self.shapes[number].reading is Reading.VECTOR
                selector = standard[:, 0] if is_vector else features[-1]
        assert selector is not None
        return Encoded(torch.stack(features, dim=1), selector)

    def gate_weights(self, encoded: Encoded, language: str) -> Tensor | None:
        """g(x) (clips, streams) of a language; None in the variants without gates."""
        if not self.gates:
            return None
        weights: Tensor = self.gates[self._owner(language, Variant.OMOE)](encoded.selector)
        return weights

    def represent(self, encoded: Encoded, language: str) -> Tensor:
        """What a language's tower takes (clips, size): sum_i g_i(x) u_i, where there are such."""
        features = encoded.features
        if self.transitions is not None:
            features = self.transitions(features, self.connections[self._owner(language)]())
        weights = self.gate_weights(encoded, language)
        return features.sum(1) if weights is None else (weights[:, :, None] * features).sum(1)

    def embed(self, representations: Tensor, language: str) -> Tensor:
        """Embeddings (clips, tower width): what the last layer of the language's tower takes."""
        embeddings: Tensor = self.towers[self._owner(language)](representations)
        return embeddings

    def own_parts(self, language: str) -> list[nn.Module]:
        """What a language does not share: gate, connections, tower."""
        return [
            parts[self._owner(language)]
            for parts in (self.gates, self.connections, self.towers)
            if self._owner(language) in parts
        ]

    def for_new_language(self, kept: Sequence[str] = ()) -> "MultiGate":
        """A copy that speaks NEW_LANGUAGE, in eval mode, and knows of the others those that are `kept`.

        What the new one has of its own is the mean of what the trained ones have, unless it is there already.
        """
        arguments = self.specification() | {"languages": [*kept, NEW_LANGUAGE], "active": NEW_LANGUAGE}
        del arguments["kind"]
        copied = MultiGate(**arguments)
        state = self.state_dict()
        for name in copied.state_dict():
            if name not in state:
                kind, _, rest = name.split(".", 2)
                trained = [state[f"{kind}.{language}.{rest}"] for language in self.languages]
                state[name] = torch.stack(trained).mean(0)
        copied.load_state_dict({name: state[name] for name in copied.state_dict()})
        return copied.eval()
