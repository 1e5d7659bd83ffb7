"""From embeddings of labelled clips to a linear classifier: cosine prototypes and their rivals."""

from engine.heads.fit import fit_head
from engine.heads.frame import class_means
from engine.heads.head import Head, last_layer
from engine.heads.prototypes import COSINE_SCALE, prototype_head

__all__ = ["COSINE_SCALE", "Head", "class_means", "fit_head", "last_layer", "prototype_head"]
