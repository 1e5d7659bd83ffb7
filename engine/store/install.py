"""Making a folder of the store: copying what a model needs, trying it, and putting it into place whole."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from engine.checksums import sha256_of, write_sums, wrong_sums
from engine.choices import BUNDLED_BASES
from engine.errors import BaseError
from engine.store.catalogue import Offer, offer_with
from engine.store.conversion import converted
from engine.store.files import ModelFiles, licence_of, model_files, parameters_of, read_config
from engine.store.location import RECORD, as_store_name, is_store_name, store_root, stored_folder
from engine.store.record import Record, read_record, write_record
from engine.store.steps import Step

_CHUNK = 8 * 2**20


@dataclass(frozen=True)
class Candidate:
    """A folder that could be added. `name`: what it would be called; `record`: known of it without trying it."""

    source: Path
    files: ModelFiles
    name: str
    record: Record


def candidate(source: Path, name: str | None) -> Candidate:
    """Look at `source`, a model's folder or a hub's cache of one. Raises BaseError.

    A folder of another computer's store and a copy of a model on offer are known for what they are.
    """
    folder = _snapshot(source)
    files = model_files(folder)
    if read_config(folder).get("format") == "serstudio-model":
        raise BaseError(f"{folder} is an adapted model, not a base.", f"Adapt from it with --base {folder}.")
    called = source.resolve().name.rsplit("--", 1)[-1]  # of models--somebody--thing, as a hub's cache has it
    record = _known(folder, files, called)
    offer = offer_with(record.weights_sha256)
    if offer is not None:
        record = of_offer(offer)
    chosen = name or (offer.name if offer is not None else as_store_name(called))
    check_name(chosen)
    return Candidate(folder, files, chosen, record)


def check_name(name: str) -> None:
    """Raises BaseError where no new base can have that name."""
    if not is_store_name(name):
        raise BaseError(
            f"A model cannot be called '{name}'.",
            f"Use small letters, digits, dots and dashes, up to 64; {', '.join(BUNDLED_BASES)} are bundled.",
        )
    if stored_folder(name) is not None:
        raise BaseError(f"There is a model called {name} already.", "Give another name, or remove that one first.")
    if (store_root() / name).exists():
        raise BaseError(f"{store_root() / name} is there and is no model of SER Studio's.", "Give another name.")


def of_offer(offer: Offer) -> Record:
    """The record of a model on offer."""
    return Record(
        title=offer.title,
        source=offer.repository,
        revision=offer.revision,
        licence=offer.licence,
        parameters=offer.parameters,
        words=offer.words,
        converted=offer.pickled,
        weights_sha256=tuple(file.sha256 for file in offer.weights),
    )


def copy_files(source: Path, files: ModelFiles, folder: Path) -> Iterator[Step]:
    """Copy them, in pieces, so that it can be stopped. Raises BaseError where the disk is too full."""
    total = sum((source / name).stat().st_size for name in files.names)
    check_room(folder, total * 2 if files.pickled else total)
    done = 0
    for name in files.names:
        with (source / name).open("rb") as read, (folder / name).open("wb") as written:
            while piece := read.read(_CHUNK):
                written.write(piece)
                done += len(piece)
                yield Step("Copying", done, total)


def check_room(folder: Path, needed_bytes: int) -> None:
    """Raises BaseError where the disk of `folder` has less room; some is left for everything else."""
    free = shutil.disk_usage(folder).free
    needed = needed_bytes + 200_000_000
    if free < needed:
        raise BaseError(
            f"The disk is too full: the model needs {needed / 1e9:.1f} GB in {folder.parent}, "
            f"and {free / 1e9:.1f} GB are free.",
            "Free some space, or set SERSTUDIO_MODELS to a folder on another disk.",
        )


def complete(folder: Path, name: str, record: Record) -> Iterator[Step]:
    """Rewrite pickled weights, write the record and checksums, and try the model. Raises BaseError.

    It can be stopped between any two steps, and done again.
    """
    files = model_files(folder)
    if files.pickled:
        yield from converted(folder, files)
        files = model_files(folder)
    yield Step("Writing checksums", 0, None)
    if record.parameters is None:
        record = replace(record, parameters=parameters_of(folder, files.weights))
    write_record(folder, record)
    write_sums(folder, (*files.names, RECORD))
    yield Step("Trying the model", 0, None)
    _try(folder, name)
    for path in folder.glob("pytorch_model*.bin"):
        path.unlink()


def put_in_place(folder: Path, name: str) -> Path:
    """Rename the finished `folder` into the store. Raises BaseError."""
    check_name(name)
    placed = store_root() / name
    try:
        return folder.rename(placed)
    except OSError as error:
        raise BaseError(f"The model could not be put into {placed.parent}.", "Check its permissions.") from error


def _try(folder: Path, name: str) -> None:
    """Load it as adaptation would. Raises BaseError."""
    from engine.bases import load_stored  # torch, and transformers: seconds

    try:
        load_stored(folder, name)
    except BaseError as error:  # in the user's words: the folder is ours, and about to go
        raise BaseError(error.message.replace(str(folder), name), error.hint) from error


def _snapshot(source: Path) -> Path:
    """The folder with the files: `source`, or the one snapshot inside it where it is a hub's cache of a model."""
    snapshots = [path for path in sorted(source.glob("snapshots/*")) if path.is_dir()]
    return snapshots[0] if len(snapshots) == 1 and not (source / "config.json").exists() else source


def _known(folder: Path, files: ModelFiles, called: str) -> Record:
    """What a store's folder says of itself where it is unharmed, else what can be read off the model."""
    if (folder / RECORD).is_file():
        if wrong := wrong_sums(folder):
            raise BaseError(f"{folder} is damaged: the checksum of {', '.join(wrong)} is wrong.", "Copy it again.")
        return read_record(folder)
    own = read_config(folder)
    if own.get("format") == "serstudio-base" and (wrong := wrong_sums(folder)):
        raise BaseError(f"{folder} is damaged: the checksum of {', '.join(wrong)} is wrong.", "Copy it again.")
    name = own.get("name") if own.get("format") == "serstudio-base" else None
    return Record(
        title=str(name or called),
        source=called,  # no path: the folder may be given away
        revision="",
        licence=licence_of(folder),
        parameters=None if files.pickled else parameters_of(folder, files.weights),
        words=_kind(own),
        converted=files.pickled,
        weights_sha256=tuple(sha256_of(folder / name) for name in files.weights),
    )


def _kind(config: dict[str, object]) -> str:
    """One line on a model that is not on offer."""
    if config.get("format") == "serstudio-base":
        return "Made with serstudio metatrain."
    layers = config.get("num_hidden_layers")
    return f"A {config.get('model_type', 'unknown')} model" + (f" of {layers} layers." if layers else ".")
