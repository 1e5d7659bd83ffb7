"""From frames to one embedding a clip.

All take `Frames` and return (clips, embedding size); padded frames never take part.
"""

from typing import Any

from engine.extractors.attentive import AttentiveStatistics
from engine.extractors.discriminant import LinearDiscriminant
from engine.extractors.extractor import Extractor
from engine.extractors.mixture import Mixture
from engine.extractors.pooled import PooledExtractor, pool_pairs
from engine.extractors.pooling import MeanPooling
from engine.extractors.published import EMBEDDING_SIZE, GatedLinearUnit, LateralInhibition, MeanFC
from engine.late_import import import_place

__all__ = [
    "EMBEDDING_SIZE",
    "AttentiveStatistics",
    "Extractor",
    "GatedLinearUnit",
    "LateralInhibition",
    "LinearDiscriminant",
    "MeanFC",
    "MeanPooling",
    "Mixture",
    "PooledExtractor",
    "build_extractor",
    "pool_pairs",
]

_KINDS: dict[str, type[Extractor]] = {
    extractor.kind: extractor
    for extractor in (
        MeanPooling,
        MeanFC,
        LateralInhibition,
        GatedLinearUnit,
        LinearDiscriminant,
        AttentiveStatistics,
    )
}


# networks of the published alternatives, loaded where one is built
_SYSTEMS = {
    "hgfm": "engine.systems.hgfm.network:HierarchicalGrainedFeatureModel",
    "multigate": "engine.systems.multigate.network:MultiGate",
    "fmaml": "engine.systems.fmaml.network:ConvolutionalNetwork",
}


def build_extractor(specification: dict[str, Any]) -> Extractor:
    """The extractor that `specification` describes, with fresh weights. Raises KeyError, TypeError, ValueError."""
    if specification["kind"] == Mixture.kind:
        parts = [build_extractor(part) for part in specification["parts"]]
        if not all(isinstance(part, PooledExtractor) for part in parts):
            raise ValueError("a mixture has parts that cannot be mixed")
        return Mixture([part for part in parts if isinstance(part, PooledExtractor)], specification.get("size"))
    arguments = {key: value for key, value in specification.items() if key != "kind"}
    kind = specification["kind"]
    extractor: Extractor = (import_place(_SYSTEMS[kind]) if kind in _SYSTEMS else _KINDS[kind])(**arguments)
    return extractor
