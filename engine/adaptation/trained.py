"""Which parameters of an encoder are tuned. Fewer are faster, and learn fewer clips by heart."""

from torch import nn

from engine.choices import TRAINED
from engine.encoder import EmotionEncoder
from engine.errors import LabellingError


def trained_parameters(encoder: EmotionEncoder, trained: str) -> list[nn.Parameter]:
    """The parameters that `trained` names, of those that can be trained at all.

    all         everything (main paper, section 3.4)
    norms       scale and shift of every LayerNorm (as in 2304.01917, where it is strong)
    top-1       the highest transformer layer and the extractor on it
    extractor   the extractor alone

    Raises LabellingError on an unknown name, and where the encoder has no such parameter.
    """
    if trained not in TRAINED:
        raise LabellingError(f"There is no choice '{trained}' of what is trained.", f"Use one of {', '.join(TRAINED)}.")
    modules: dict[str, list[nn.Module]] = {
        "all": [encoder],
        "norms": [module for module in encoder.modules() if isinstance(module, nn.LayerNorm)],
        "top-1": [encoder.backbone.transformer_layers[-1], encoder.extractor],
        "extractor": [encoder.extractor],
    }
    parameters = [
        parameter for module in modules[trained] for parameter in module.parameters() if parameter.requires_grad
    ]
    if not parameters:
        raise LabellingError(
            f"This base has nothing to tune under '{trained}'.", "Tune all of it, or use a method that tunes nothing."
        )
    return parameters
