"""Which parameters of an encoder are tuned. Fewer are faster, and learn fewer clips by heart."""

from collections.abc import Iterable

from torch import nn

from engine.adaptation.lora import LowRank
from engine.adaptation.projection import Projected
from engine.choices import TRAINED
from engine.encoder import EmotionEncoder
from engine.errors import LabellingError

LORA, PROJECTION = "lora", "projection"
_TOP = 4


def trained_parameters(encoder: EmotionEncoder, trained: str) -> list[nn.Parameter]:
    """The parameters that `trained` names, of those that can be trained at all.

    all          everything (main paper, section 3.4)
    lora         the low-rank additions to the layers, which must be there (`add_low_rank`)
    norms        scale and shift of every LayerNorm (as in 2304.01917, where it is strong)
    top-4        the four highest transformer layers, or as many as there are, and the extractor on them
    top-4-norms  scale and shift of the LayerNorms in these
    top-1        the highest transformer layer and the extractor on it
    extractor    the extractor alone
    projection   the linear map after the extractor, which must be there (`add_projection`)

    Raises LabellingError on an unknown name, and where the encoder has no such parameter.
    """
    if trained not in TRAINED:
        raise LabellingError(f"There is no choice '{trained}' of what is trained.", f"Use one of {', '.join(TRAINED)}.")
    top: list[nn.Module] = list(encoder.backbone.transformer_layers)[-_TOP:]
    modules: dict[str, list[nn.Module]] = {
        "all": [encoder],
        LORA: [module for module in encoder.modules() if isinstance(module, LowRank)],
        "norms": _norms([encoder]),
        "top-4": [*top, encoder.extractor],
        "top-4-norms": _norms([*top, encoder.extractor]),
        "top-1": [*top[-1:], encoder.extractor],
        "extractor": [encoder.extractor],
        PROJECTION: [encoder.extractor] if isinstance(encoder.extractor, Projected) else [],
    }
    parameters = [
        parameter for module in modules[trained] for parameter in module.parameters() if parameter.requires_grad
    ]
    if not parameters:
        raise LabellingError(
            f"This base has nothing to tune under '{trained}'.", "Tune all of it, or use a method that tunes nothing."
        )
    return parameters


def frozen_layers(encoder: EmotionEncoder, parameters: Iterable[nn.Parameter]) -> int:
    """How many transformer layers come before the first of `parameters` takes part: what they make can be kept.

    0 too where something below the layers is tuned.
    """
    tuned = {id(parameter) for parameter in parameters} - {id(each) for each in encoder.extractor.parameters()}
    frozen = encoder.backbone.depth
    for number, layer in reversed(list(enumerate(encoder.backbone.transformer_layers))):
        in_layer = tuned & {id(each) for each in layer.parameters()}
        if in_layer:
            frozen = number
        tuned -= in_layer
    return 0 if tuned else frozen


def _norms(modules: Iterable[nn.Module]) -> list[nn.Module]:
    return [each for module in modules for each in module.modules() if isinstance(each, nn.LayerNorm)]
