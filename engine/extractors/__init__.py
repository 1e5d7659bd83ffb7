"""From frames to one embedding a clip.

All take `Frames` and return (clips, embedding size); padded frames never take part.
"""

from typing import Any

from engine.extractors.extractor import Extractor
from engine.extractors.pooling import MeanPooling
from engine.extractors.published import EMBEDDING_SIZE, GatedLinearUnit, LateralInhibition, MeanFC

__all__ = [
    "EMBEDDING_SIZE",
    "Extractor",
    "GatedLinearUnit",
    "LateralInhibition",
    "MeanFC",
    "MeanPooling",
    "build_extractor",
]

_KINDS: dict[str, type[Extractor]] = {
    extractor.kind: extractor for extractor in (MeanPooling, MeanFC, LateralInhibition, GatedLinearUnit)
}


def build_extractor(specification: dict[str, Any]) -> Extractor:
    """The extractor that `specification` describes, with fresh weights. KeyError on an unknown kind."""
    return _KINDS[specification["kind"]](specification["hidden_size"], specification["layers"])
