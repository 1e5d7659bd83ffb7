"""The recipe of kind "episodic": the main paper's meta-learning; the defaults are its own (section 4.4). No torch."""

from dataclasses import dataclass, field
from enum import StrEnum

from engine.errors import RecipeError
from engine.metalearning.corpora import EMOTIONS, Task
from engine.metalearning.recipe import BaseSection, DataSection

FEWEST_ACCENT_CLIPS = 100  # section 4.1: only language-accent pairs with as many files are trained on


class Sampling(StrEnum):
    """Section 4.3: an episode from one corpus, or its classes from any."""

    WITHIN = "within-dataset"
    FREE = "free"


class SplitBy(StrEnum):
    """What is held out of a training corpus: clips at random, whole speakers, or the accents too rare to train on.

    The last is how the main paper comes to 214 accents to train on and 96 to test on (Table 1): those of Table 2's
    test set have 85 files at most on average, and its training set leaves out what has fewer than 100.
    """

    CLIPS = "clips"
    SPEAKERS = "speakers"
    RARE_ACCENTS = "rare-accents"


@dataclass(frozen=True)
class SplitSection:
    """[split]: shares of each training corpus that are held out. Table 3 is 0.64 / 0.16 / 0.20.

    By rare accents there are no shares: all of these are for validation.
    """

    validation: float = 0.0
    test: float = 0.0
    by: SplitBy = SplitBy.CLIPS

    def __post_init__(self) -> None:
        if min(self.validation, self.test) < 0 or self.validation + self.test >= 1:
            raise RecipeError("[split] leaves nothing to train on, or less than nothing.", "Use shares like 0.16.")
        if self.by is SplitBy.RARE_ACCENTS and self.validation + self.test > 0:
            raise RecipeError("[split] by rare accents takes no shares.", "Leave validation and test out.")


@dataclass(frozen=True)
class EpisodesSection:
    """[episodes]: N-way K-shot Q-query. `new_speakers`: the query's speakers are absent from the support.

    `left_out_labels`: emotions that are never drawn.
    """

    task: Task = Task.EMOTION
    sampling: Sampling = Sampling.WITHIN
    new_speakers: bool = False
    ways: int = 4
    shots: int = 5
    queries: int = 12
    fewest_clips: int | None = None
    left_out_labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.ways < 2 or self.shots < 1 or self.queries < 1:
            raise RecipeError("[episodes] needs 2 ways, 1 shot and 1 query at least.", "Use larger numbers.")
        unknown = sorted(set(self.left_out_labels) - set(EMOTIONS))
        if unknown:
            raise RecipeError(f"[episodes] leaves out the unknown '{unknown[0]}'.", f"Known: {', '.join(EMOTIONS)}.")
        if self.new_speakers and self.task is Task.SPEAKER:
            raise RecipeError(
                "[episodes] cannot ask for speakers that the support lacks.", "Leave new_speakers out for this task."
            )

    @property
    def fewest(self) -> int:
        """Clips that a class needs in order to be drawn."""
        asked = self.fewest_clips or (FEWEST_ACCENT_CLIPS if self.task is Task.ACCENT else 0)
        return max(asked, self.shots + self.queries)


@dataclass(frozen=True)
class ModelSection:
    """[model]: `read_layers` empty: the highest. `backbone_dropout`: the pre-trained model's own, while training."""

    extractor: str = "glu"
    read_layers: tuple[int, ...] = ()
    backbone_dropout: bool = False

    def __post_init__(self) -> None:
        if any(layer < 1 for layer in self.read_layers):
            raise RecipeError("[model] reads a layer below 1.", "Count the layers from 1.")


@dataclass(frozen=True)
class TrainingSection:
    """[training]: `probing_epochs` train the extractor alone, `epochs` then the whole model.

    One optimiser step is made from `accumulation` episodes. Training stops when `patience` epochs of the whole
    model have not lowered the validation loss; the best epoch's weights are kept. `augment`: SpecAugment here too
    (the paper has it in fine-tuning only).
    """

    probing_epochs: int = 5
    epochs: int = 10
    episodes_per_epoch: int = 1000
    accumulation: int = 20
    learning_rate: float = 1e-4
    patience: int = 2
    validation_episodes: int = 200
    gradient_checkpointing: bool = True
    augment: bool = False
    bf16: bool = False
    checkpoint_steps: int = 10

    def __post_init__(self) -> None:
        counts = (self.episodes_per_epoch, self.accumulation, self.patience, self.validation_episodes)
        if min(counts) < 1 or min(self.probing_epochs, self.epochs) < 0 or self.checkpoint_steps < 1:
            raise RecipeError("[training] counts something below 1.", "Use positive numbers.")
        if self.probing_epochs + self.epochs < 1:
            raise RecipeError("[training] has no epoch.", "Use epochs = 10.")
        if self.episodes_per_epoch % self.accumulation:
            raise RecipeError(
                f"[training]: {self.episodes_per_epoch} episodes are not a whole number of steps of "
                f"{self.accumulation}.",
                "Make episodes_per_epoch a multiple of accumulation.",
            )
        if not 0 < self.learning_rate < 1:
            raise RecipeError(f"[training]: a learning rate of {self.learning_rate} makes no sense.", "Try 1e-4.")

    @property
    def steps_per_epoch(self) -> int:
        return self.episodes_per_epoch // self.accumulation

    @property
    def probing_steps(self) -> int:
        return self.probing_epochs * self.steps_per_epoch

    @property
    def steps(self) -> int:
        """Optimiser steps, if it is not stopped early."""
        return (self.probing_epochs + self.epochs) * self.steps_per_epoch


@dataclass(frozen=True)
class AdversarialSection:
    """[adversarial]: DANN (section 3.4), a corpus discriminator behind gradients reversed and scaled by `strength`."""

    enabled: bool = False
    strength: float = 0.01

    def __post_init__(self) -> None:
        if self.strength < 0:
            raise RecipeError("[adversarial] has a strength below 0.", "The paper's is 0.01.")


@dataclass(frozen=True)
class EpisodicRecipe:
    """Everything that decides an episodic training. `half`: the base's weights are written in half precision."""

    kind: str
    name: str
    data: DataSection
    title: str = ""
    seed: int = 0
    half: bool = False
    base: BaseSection = field(default_factory=BaseSection)
    split: SplitSection = field(default_factory=SplitSection)
    episodes: EpisodesSection = field(default_factory=EpisodesSection)
    model: ModelSection = field(default_factory=ModelSection)
    training: TrainingSection = field(default_factory=TrainingSection)
    adversarial: AdversarialSection = field(default_factory=AdversarialSection)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise RecipeError("The seed is below 0.", "Use 0 or more.")
        if self.adversarial.enabled and len(self.data.corpora) < 2:
            raise RecipeError("[adversarial] needs two training corpora at least.", "Add one, or switch it off.")
