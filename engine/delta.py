"""What an adaptation changed: an adapted encoder as its difference to the encoder of its base.

Most ways of adapting leave most weights alone. Tensors that differ are kept, low-rank additions as their factors;
the rest is borrowed from the base, which is known again by the digest of what is borrowed. Nothing is rounded: the
encoder comes back to the bit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from engine.base_folder import Base
from engine.delta_facts import DeltaFacts
from engine.encoder import EmotionEncoder
from engine.fingerprint import combined, digests, same_bits
from engine.low_rank import Factors, merged
from engine.weights_file import smallest

_MOST_KEPT = 0.5  # of the encoder's bytes: beyond that it is better off whole, and depends on nothing
_CHANGED, _DOWN, _UP = "encoder.", "low_rank.down.", "low_rank.up."  # how names begin in the weights file


@dataclass(frozen=True)
class Delta:
    """`tensors`: what differs, under its names in the weights file."""

    facts: DeltaFacts
    tensors: Mapping[str, Tensor]


def difference(encoder: EmotionEncoder, base: Base, low_rank: Mapping[str, Factors] | None = None) -> Delta | None:
    """What of `encoder` differs from the base's; None where that is most of it.

    low_rank: factors by the name of the weight that they were merged into (`engine.low_rank.merged`). Where merging
    them again does not give the weight to the bit, the weight itself is kept.
    """
    adapted, original = encoder.state_dict(), base.encoder.state_dict()
    tensors: dict[str, Tensor] = {}
    for name, tensor in adapted.items():
        if name in original and same_bits(tensor, original[name]):
            continue
        factors = (low_rank or {}).get(name)
        if factors is not None and name in original and same_bits(merged(original[name], factors), tensor):
            tensors |= {_DOWN + name: factors[0], _UP + name: factors[1]}
        else:
            tensors[_CHANGED + name] = tensor
    if _bytes(tensors.values()) > _MOST_KEPT * _bytes(adapted.values()):
        return None
    parts = digests(original)  # as `fingerprint` does, once for both
    borrowed = {name: parts[name] for name in adapted if _CHANGED + name not in tensors}
    facts = DeltaFacts(base.name, combined(parts), combined(borrowed), _bytes(smallest(adapted).values()))
    return Delta(facts, tensors)


def whole_state(
    stored: Mapping[str, Tensor], names: Iterable[str], base: Mapping[str, Tensor], facts: DeltaFacts
) -> dict[str, Tensor] | None:
    """All tensors of the encoder by their `names`: those `stored`, and the rest from the tensors of `base`.

    None where `base` is not the base that was borrowed from.
    """
    borrowed = [name for name in names if _CHANGED + name not in stored]
    if not all(name in base for name in borrowed):
        return None
    if combined(digests({name: base[name] for name in borrowed})) != facts.borrowed:
        return None
    state = {name.removeprefix(_CHANGED): tensor for name, tensor in stored.items() if name.startswith(_CHANGED)}
    for name in borrowed:
        if _DOWN + name in stored:
            state[name] = merged(base[name], (stored[_DOWN + name], stored[_UP + name]))
        else:
            state[name] = base[name]
    return state


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.itemsize for tensor in tensors)
