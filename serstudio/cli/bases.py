"""models: the pre-trained models that adaptation starts from."""

import sys
from pathlib import Path

import click

from serstudio.cli import output
from serstudio.cli.projects import FOLDER, json_option
from serstudio.errors import SerStudioError
from serstudio.licence_words import short_licence
from serstudio.usecases.base_requests import (
    AddBase,
    BaseDescribed,
    BaseInstalled,
    BaseRemoved,
    BasesListed,
    BaseState,
    BasesVerified,
    DownloadBase,
    ListBases,
    RemoveBase,
    VerifyBases,
)
from serstudio.wording import bytes_in_words, counted

_YES = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group(name="models")
def models_group() -> None:
    """The models that adapting starts from: see, download, add, remove and check them.

    compact comes with SER Studio. Others are fetched once, or added from a folder; adapt from one with --base NAME.
    Only download uses the network.
    """


@models_group.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Show the models that are here, and those that can be downloaded."""
    listed = output.follow(ListBases(), BasesListed)
    if as_json:
        output.print_json(listed)
        return
    rows = [
        (base.name, _state(base), bytes_in_words(base.size_bytes), short_licence(base.licence), base.words)
        for base in listed.bases
    ]
    output.print_table(("name", "state", "size", "licence", "about"), rows, numbers=("size",))
    output.say("")
    output.say(f"Installed models are in {listed.store}. Get one: serstudio models download NAME")


def _state(base: BaseDescribed) -> str:
    if base.state is BaseState.PARTIAL:
        return f"{base.downloaded_bytes / max(1, base.size_bytes):.0%} downloaded"
    return {BaseState.BUNDLED: "bundled", BaseState.INSTALLED: "installed"}.get(base.state, "to download")


@models_group.command()
@click.argument("name", metavar="NAME")
@_YES
@json_option
def download(name: str, yes: bool, as_json: bool) -> None:
    """Fetch the model NAME, once. Stop it at any time: the same command goes on where it was."""
    listed = output.follow(ListBases(), BasesListed)
    offered = next((base for base in listed.bases if base.name == name), None)
    if offered is not None and offered.state in (BaseState.OFFERED, BaseState.PARTIAL):
        click.echo(_terms(offered, listed.store), err=True)
        _agree("Download it?", yes, default=True)
    _say_installed(output.follow(DownloadBase(name), BaseInstalled), as_json)


def _terms(base: BaseDescribed, store: Path) -> str:
    """What the user agrees to before the first byte comes."""
    left = base.size_bytes - base.downloaded_bytes
    size = bytes_in_words(base.size_bytes)
    if base.downloaded_bytes:
        size += f", {bytes_in_words(left)} of it still to come"
    return f"{base.title}: {size}; licence {base.licence}; from {base.source} to {store / base.name}"


def _agree(question: str, yes: bool, default: bool) -> None:
    """Ask, where somebody sits at the terminal; `default` is what Enter alone says."""
    if not yes and sys.stdin.isatty() and not click.confirm(question, default=default, err=True):
        raise click.Abort


@models_group.command()
@click.argument("folder", metavar="FOLDER", type=FOLDER)
@click.option("--name", metavar="NAME", help="What to call it. [default: the folder's name]")
@json_option
def add(folder: Path, name: str | None, as_json: bool) -> None:
    """Copy a model from FOLDER, a USB stick say; no network is needed.

    FOLDER holds a model of the wav2vec2 family (config.json and model.safetensors, as the hub has them), one that
    'serstudio metatrain' made, or one of another computer's models. A pytorch_model.bin is rewritten as safetensors.
    """
    _say_installed(output.follow(AddBase(folder, name), BaseInstalled), as_json)


def _say_installed(installed: BaseInstalled, as_json: bool) -> None:
    if as_json:
        output.print_json(installed)
        return
    base = installed.base
    millions = (base.parameters or 0) / 1e6
    count = f", {millions:,.0f} million parameters" if millions >= 1 else ""
    output.say(f"{base.name} is installed: {base.title}, {bytes_in_words(base.size_bytes)}{count}.")
    output.say(f"Licence: {base.licence}")
    if installed.converted:
        output.say("Its weights were pickled; they were rewritten as safetensors.")
    output.say(f"Adapt from it: serstudio adapt DIR --base {base.name}")


@models_group.command()
@click.argument("name", metavar="NAME")
@_YES
@json_option
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Delete the model NAME from this computer. Versions that were adapted from it go on working."""
    _agree(f"Remove {name}?", yes, default=False)
    removed = output.follow(RemoveBase(name), BaseRemoved)
    if as_json:
        output.print_json(removed)
        return
    freed = f"{bytes_in_words(removed.freed_bytes)} are free again" if removed.freed_bytes else "projects use its files"
    output.say(f"Removed {removed.name}: {freed}.")


@models_group.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@json_option
def verify(names: tuple[str, ...], as_json: bool) -> None:
    """Read the files of the models again and compare their checksums."""
    verified = output.follow(VerifyBases(names), BasesVerified)
    if as_json:
        output.print_json(verified)
    for result in verified.results:
        if not as_json:
            output.say(f"{result.name}: {_wrong(result.wrong) if result.wrong else 'all files are as they should be.'}")
    damaged = [result.name for result in verified.results if result.wrong]
    if damaged:
        again = "Install SER Studio again." if damaged == ["compact"] else "Remove and get again what is damaged."
        raise SerStudioError(f"{counted(len(damaged), 'model')} damaged: {', '.join(damaged)}.", again)


def _wrong(files: tuple[str, ...]) -> str:
    return f"DAMAGED, missing or changed: {', '.join(files)}"
