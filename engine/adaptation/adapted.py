"""What every way of adapting ends with."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.adaptation.settings import AdaptationSettings
from engine.encoder import EmotionEncoder
from engine.explanation import Explanation
from engine.heads import Head
from engine.heads.speakers import SpeakerOffsets
from engine.low_rank import Factors


@dataclass(frozen=True)
class Adapted:
    """The result: a tuned copy of the base's encoder and the head of all clips. The base is untouched.

    `encoder` shares with that of the base what was not tuned, if it is on the same device. `speakers`: what was
    taken away from the voices that are known, if that was asked for. `lora`: of that kind of tuning, what was added
    to which weight (`engine.low_rank`), by its name in the encoder. `explanation`: what can be seen of how it decides,
    of those models that show it.
    """

    encoder: EmotionEncoder
    head: Head
    speakers: SpeakerOffsets | None
    settings: AdaptationSettings  # what was done, which is not what was asked if there was a Remark
    final_loss: float | None
    lora: Mapping[str, Factors] | None = None
    explanation: Explanation | None = None
