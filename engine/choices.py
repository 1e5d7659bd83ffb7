"""The names that a user can choose among. No torch here: menus and `--help` need them at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

KNOWN_EMOTIONS = "known-emotions"
# fitted in closed form or by a convex problem; the first: the paper's
HEADS = ("prototypes", "logistic", "ridge", "lda", KNOWN_EMOTIONS)
TUNING_METHODS = ("disjoint", "pmf")  # they tune the encoder, then fit a head; the first: the paper's own
SYSTEMS = ("hgfm", "multigate", "fmaml")  # published alternatives, networks of their own (`engine.systems`)
BUNDLED_BASES = ("compact", *SYSTEMS)  # resources/bases: the systems have a trained start each
COMPACT_ENCODER = "compact-encoder"  # beside them: what recipes begin with, and what two of the systems sit on
BUNDLED_ENCODERS = (COMPACT_ENCODER, "compact-encoder-deep")  # the second: the same with more layers
METHODS = TUNING_METHODS + HEADS + SYSTEMS  # a head's name as the method: that head, and nothing is tuned
# what is tuned, see `engine.adaptation.trained`
TRAINED = ("all", "lora", "norms", "top-4", "top-4-norms", "top-1", "extractor", "projection")
DEVICES = ("auto", "cpu", "cuda", "mps")
TUNING_PRECISIONS = ("auto", "fp32", "bf16")  # of the sums; the weights that are tuned are always fp32
PRECISIONS = ("auto", "fp32", "bf16", "int8")  # of classifying


class Protocol(StrEnum):
    """Few-shot protocols. `RANDOM` is the papers' own; it flatters, for a speaker can be on both sides."""

    RANDOM = "random"
    NEW_SPEAKERS = "new-speakers"


@dataclass(frozen=True)
class Recommended:
    """How a base is best adapted, as measured for it. The defaults are the main paper's, found for XLS-R 300M.

    `steps`, `learning_rate`, `trained` and `head` are for the methods that tune: where `method` is none of
    them, they hold for a user who asks for tuning all the same. `rates`: learning rates of other choices of what is
    trained; a rate that suits an extractor may ruin an encoder.
    """

    method: str = TUNING_METHODS[0]
    steps: int = 25
    learning_rate: float = 1e-5
    head: str = HEADS[0]
    trained: str = TRAINED[0]
    speaker_mean: bool = False
    rates: Mapping[str, float] = field(default_factory=dict)

    def rate_for(self, trained: str) -> float:
        """The learning rate where `trained` is what is tuned."""
        return self.rates.get(trained, self.learning_rate)
