"""What comes out of an episodic training: validation figures, the best weights, the base."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from torch import Tensor

from engine.base_folder import Base
from engine.errors import RecipeError
from engine.evaluation.metrics import mean_ci95
from engine.metalearning.checkpoints import write_tensors
from engine.metalearning.episodic_data import EpisodicData
from engine.metalearning.episodic_recipe import EpisodicRecipe
from engine.metalearning.model_card import Data, inherited_licence
from engine.metalearning.prototypical import PrototypicalNetwork
from engine.metalearning.trained_base import Told, write_trained

_VALIDATION = "validation"
_DISCRIMINATOR = "discriminator."  # has done its work when training ends
_FAILURES = """- Accuracy falls where a speaker mostly has one emotion: the voice is then taken for the feeling.
- Validation episodes are the training's own protocol; clips from a field recorder are harder than studio speech.
- Labels are acted in most of these corpora; spontaneous emotion is weaker and is recognised less often."""


@dataclass(frozen=True)
class Validation:
    """Means over the validation episodes; CI95 None of a single one. corpora: name to (accuracy, CI95, episodes)."""

    loss: float
    accuracy: float
    ci95: float | None
    corpora: dict[str, tuple[float, float | None, int]]

    @staticmethod
    def of(table: Tensor, names: list[str]) -> "Validation":
        """From (episodes, [loss, accuracy]); episode i is of corpus i modulo their number."""
        losses, accuracies = table.double().T.tolist()
        corpora = {}
        for turn, name in enumerate(names):
            own = accuracies[turn :: len(names)]
            if own:
                corpora[name] = (float(np.mean(own)), mean_ci95(own), len(own))
        return Validation(float(np.mean(losses)), float(np.mean(accuracies)), mean_ci95(accuracies), corpora)

    def in_words(self) -> str:
        return f"validation loss {self.loss:.3f}, accuracy {_percent(self.accuracy, self.ci95)}"


def keep_best(path: Path, network: PrototypicalNetwork, validation: Validation) -> None:
    """Write the weights that will be the base if no later epoch is better. Raises RecipeError."""
    tensors = {name: each for name, each in network.state_dict().items() if not name.startswith(_DISCRIMINATOR)}
    write_tensors(path, tensors, {_VALIDATION: json.dumps(asdict(validation))})


def write_base(
    recipe: EpisodicRecipe,
    data: EpisodicData,
    network: PrototypicalNetwork,
    start_licence: str,
    best: Path,
    run_folder: Path,
    recipe_text: str,
) -> None:
    """The base, of the best weights where there was a validation, else of the last. Raises BaseError, RecipeError."""
    validation = _load_best(best, network) if best.is_file() else None
    licence = inherited_licence(start_licence, recipe.data.corpora)
    encoder = network.encoder.cpu().eval()
    name = recipe.name
    base = Base(name, encoder, standardised=False, licence=licence, cosine_scale=float(network.scale.detach()))
    told = Told(_summary(recipe), _FAILURES, _figures(recipe, validation), {"backbone": "trained"})
    dtype = "float16" if recipe.half else "float32"
    write_trained(base, run_folder / "base", recipe, recipe_text, Data(data.train, data.validation), told, dtype)


def _load_best(path: Path, network: PrototypicalNetwork) -> Validation:
    try:
        with safe_open(path, "pt") as file:
            stored = json.loads((file.metadata() or {})[_VALIDATION])
            network.load_state_dict({name: file.get_tensor(name) for name in file.keys()}, strict=False)  # noqa: SIM118
        corpora = {name: (each[0], each[1], each[2]) for name, each in stored["corpora"].items()}
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise RecipeError(f"The weights in {path} are damaged.", "Train again in a new folder.") from error
    return Validation(stored["loss"], stored["accuracy"], stored["ci95"], corpora)


def _summary(recipe: EpisodicRecipe) -> str:
    shape, model = recipe.episodes, recipe.model
    return (
        f"{recipe.title + '. ' if recipe.title else ''}An encoder for few-shot speech emotion recognition: the "
        f"{model.extractor} extractor on {recipe.base.start}, meta-trained on the {shape.task} task with "
        f"{shape.ways}-way {shape.shots}-shot episodes ({shape.sampling} sampling), then adapted with a handful of "
        f"labelled clips."
    )


def _figures(recipe: EpisodicRecipe, validation: Validation | None) -> dict[str, str]:
    if validation is None:
        return {}
    shape = recipe.episodes
    kind = f"{shape.ways}-way {shape.shots}-shot, " + ("new speakers" if shape.new_speakers else "random speakers")
    told = {f"all validation episodes, {kind}": f"{validation.in_words()} (chance {1 / shape.ways:.0%})"}
    for name, (mean, ci95, episodes) in validation.corpora.items():
        told[f"{name}, {kind}"] = f"accuracy {_percent(mean, ci95)}, {episodes} episodes"
    return told


def _percent(share: float, ci95: float | None) -> str:
    return f"{100 * share:.1f} %" + ("" if ci95 is None else f" ± {100 * ci95:.1f}")
