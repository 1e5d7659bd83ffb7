"""metatrain: training a base from corpora."""

from pathlib import Path

import click

from engine.metalearning.processes import is_main_process
from serstudio.cli import output
from serstudio.cli.models import device_option
from serstudio.cli.projects import FOLDER, json_option
from serstudio.usecases.requests import BaseTrained, MetatrainBase


@click.command()
@click.argument("recipe", metavar="RECIPE")
@click.option("--corpora", required=True, type=FOLDER, metavar="FOLDER", help="Holds one folder a corpus.")
@click.option("--out", "run_folder", required=True, type=FOLDER, metavar="FOLDER", help="The base, logs, checkpoint.")
@device_option
@json_option
def metatrain(recipe: str, corpora: Path, run_folder: Path, device: str, as_json: bool) -> None:
    """Train a base from corpora by RECIPE, a TOML file or the name of a bundled one.

    Stop it at any time: the same command goes on where it was, with the same result. On several GPUs or
    machines start it with `accelerate launch -m serstudio metatrain ...`.
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
