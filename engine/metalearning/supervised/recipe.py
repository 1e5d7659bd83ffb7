"""The recipes of kind "closed-form" and "supervised". No torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.choices import HEADS, METHODS, TRAINED
from engine.errors import RecipeError
from engine.metalearning.recipe import BaseSection, DataSection, check_start


@dataclass(frozen=True)
class DiscriminantSection:
    """[discriminant]: the closed-form part. Directions of an analysis whose scatter is shrunk towards a sphere."""

    dimensions: int = 24
    shrinkage: float = 0.7

    def __post_init__(self) -> None:
        if self.dimensions < 1 or not 0 < self.shrinkage <= 1:
            raise RecipeError("[discriminant] makes no sense.", "dimensions of 1 or more, shrinkage in 0 to 1.")


@dataclass(frozen=True)
class ViewsSection:
    """[views]: what the networks hear in place of the clean clips.

    `augmented` altered copies of every clip are kept beside the clean one. Of whichever is drawn, the bands are moved
    by the factor 1 + `stretched` up or down at most (spectrograms only), and these shares of time and bands are masked.
    """

    augmented: int = 3
    stretched: float = 0.0
    time_masked: float = 0.06
    bands_masked: float = 0.09

    def __post_init__(self) -> None:
        if not 0 <= self.augmented <= 100:
            raise RecipeError(f"[views] cannot hold {self.augmented} copies of a clip.", "Use 0 to 100.")
        if not 0 <= self.stretched <= 0.5:
            raise RecipeError(f"[views] cannot move bands by a share of {self.stretched}.", "Use 0 to 0.5; try 0.12.")
        for share in (self.time_masked, self.bands_masked):
            if not 0 <= share <= 0.5:
                raise RecipeError(f"[views] cannot mask a share of {share}.", "Use 0 to 0.5.")


@dataclass(frozen=True)
class NetworksSection:
    """[networks]: `count` networks of one shape, each from a seed of its own; together they are the trained part."""

    count: int = 4
    width: int = 128
    embedding_size: int = 128
    dropout: float = 0.3
    weight: float = 1.0  # of all networks together, beside the closed form's 1

    def __post_init__(self) -> None:
        if self.count < 1 or self.width < 8 or self.width % 8 or self.embedding_size < 1 or not 0 <= self.dropout < 1:
            raise RecipeError(
                "[networks] makes no sense.", "count of 1 or more, width a multiple of 8, dropout under 1."
            )
        if self.weight < 0:
            raise RecipeError(f"[networks] cannot have a weight of {self.weight}.", "Use 0 or more.")


@dataclass(frozen=True)
class MixtureSection:
    """[mixture]: of the joined embedding, the `size` strongest directions are kept and brought nearer to each other.

    flattening: 0 leaves their lengths, 1 makes all alike (whitening).
    """

    size: int = 128
    flattening: float = 0.3

    def __post_init__(self) -> None:
        if self.size < 1 or not 0 <= self.flattening <= 1:
            raise RecipeError("[mixture] makes no sense.", "size of 1 or more, flattening in 0 to 1.")


@dataclass(frozen=True)
class SupervisedTraining:
    """[training]: of each network. Weights of the loss's parts and the length of a clip's piece are here too."""

    steps: int = 600
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.01
    batch: int = 64
    shortest_s: float = 2.0
    longest_s: float = 3.0
    contrastive: float = 0.5
    speaker: float = 0.3
    reversal: float = 0.1
    style_mixing: float = 0.0  # share of the clips that are heard in part in the voice of another of their emotion
    averaging: float = 0.995
    encoder_rate: float = 0.0  # at which the encoder's layers are tuned with the networks; 0: they are left alone
    checkpoint_steps: int = 100

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 4 or self.checkpoint_steps < 1:
            raise RecipeError("[training] makes no sense.", "steps of 1 or more, a batch of 4 or more.")
        if not 0.1 <= self.shortest_s <= self.longest_s:
            raise RecipeError("[training] makes no sense.", "0.1 <= shortest_s <= longest_s.")
        if not 0 < self.learning_rate < 1:
            raise RecipeError(f"A learning rate of {self.learning_rate} makes no sense.", "Try 1.5e-3.")
        if not 0 <= self.encoder_rate < 1:
            raise RecipeError(f"[training] cannot tune the encoder at a rate of {self.encoder_rate}.", "Try 2e-5.")
        if not 0 <= self.style_mixing <= 1:
            raise RecipeError(f"[training] cannot mix a share of {self.style_mixing}.", "Use 0 to 1.")
        if min(self.weight_decay, self.contrastive, self.speaker, self.reversal) < 0:
            raise RecipeError("[training] weighs a part of the loss, or weight_decay, below 0.", "Use 0 or more.")
        if not 0 <= self.averaging < 1:
            raise RecipeError(f"[training] cannot average weights by {self.averaging}.", "Use 0 to under 1; try 0.995.")


@dataclass(frozen=True)
class AdaptationSection:
    """[adaptation]: what the base recommends, and how it is best tuned where a user asks for tuning."""

    method: str = "logistic"
    steps: int = 25
    learning_rate: float = 1e-5
    head: str = HEADS[0]
    trained: str = TRAINED[0]
    rates: Mapping[str, float] = field(default_factory=dict)  # where something else is trained

    def __post_init__(self) -> None:
        tuned = ((name, TRAINED) for name in (self.trained, *self.rates))
        for value, known in ((self.method, METHODS), (self.head, HEADS), *tuned):
            if value not in known:
                raise RecipeError(f"[adaptation] does not know '{value}'.", f"Use one of {', '.join(known)}.")
        for rate in (self.learning_rate, *self.rates.values()):
            if not 0 < rate < 1:
                raise RecipeError(f"[adaptation] cannot use a learning rate of {rate}.", "Try 1e-5.")
        if self.steps < 0:
            raise RecipeError(f"[adaptation] cannot recommend {self.steps} steps.", "Use 0 or more.")


@dataclass(frozen=True)
class CardSection:
    """[card]: Markdown for the model card of what the training itself does not measure."""

    notes: str = ""


@dataclass(frozen=True)
class ClosedFormRecipe:
    """kind = "closed-form": the discriminant alone."""

    kind: str
    name: str
    data: DataSection
    seed: int = 0
    base: BaseSection = field(default_factory=BaseSection)
    read_layers: tuple[int, ...] = (2, 3)
    discriminant: DiscriminantSection = field(default_factory=DiscriminantSection)
    adaptation: AdaptationSection = field(default_factory=AdaptationSection)
    card: CardSection = field(default_factory=CardSection)

    def __post_init__(self) -> None:
        check_start(self.seed, self.read_layers)
        if not self.read_layers or len(set(self.read_layers)) < len(self.read_layers):
            raise RecipeError("read_layers names no layer, or one twice.", "Name each layer once, such as [2, 3].")


@dataclass(frozen=True)
class SupervisedRecipe(ClosedFormRecipe):
    """kind = "supervised": the networks, mixed with the discriminant."""

    views: ViewsSection = field(default_factory=ViewsSection)
    networks: NetworksSection = field(default_factory=NetworksSection)
    mixture: MixtureSection = field(default_factory=MixtureSection)
    training: SupervisedTraining = field(default_factory=SupervisedTraining)
