"""metatrain: training a base from corpora."""

from pathlib import Path

import click

from engine.metalearning.processes import is_main_process
from serstudio.cli import output
from serstudio.cli.models import device_option
from serstudio.cli.projects import FOLDER, json_option
from serstudio.usecases.research_requests import BaseTrained, MetatrainBase


@click.command()
@click.argument("recipe", metavar="RECIPE")
@click.option(
    "--corpora", required=True, type=FOLDER, metavar="FOLDER", help="Holds one folder a corpus: ravdess/, nemo/ ..."
)
@click.option(
    "--out",
    "run_folder",
    required=True,
    type=FOLDER,
    metavar="FOLDER",
    help="A new folder for the run. The result will be in its base/, beside log.csv and checkpoints.",
)
@device_option
@json_option
def metatrain(recipe: str, corpora: Path, run_folder: Path, device: str, as_json: bool) -> None:
    """Train a base from corpora, by a recipe.

    RECIPE is a TOML file, or the name of a bundled one:

    \b
    compact              the base that ships: a closed form and small networks
    compact-closed-form  the closed form alone
    compact-episodic     the main paper's method on the small encoder
    main-paper           the main paper's own, on XLS-R 300M; needs GPUs
    hgfm, multigate, fmaml   what the methods of these names start from (hgfm-small ...: in minutes)

    Stop it at any time: the same command goes on where it was, with the same result (on a GPU up to rounding).
    Episodic recipes can use several GPUs, or machines that share the disk of --out:
    `accelerate launch -m serstudio metatrain ...`.
    """
    trained = output.follow(MetatrainBase(recipe, corpora, run_folder, device), BaseTrained)
    if not is_main_process():
        return
    if as_json:
        output.print_json(trained)
        return
    output.say(f"The base {trained.name} is in {trained.folder} ({trained.size_bytes / 1e6:.0f} MB).")
    output.say(f"Licence: {trained.licence}")
    output.say(f"Use it: serstudio adapt PROJECT --base {trained.folder}")
