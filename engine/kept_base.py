"""The base of a delta: keeping it beside the models that need it, and finding it again.

A project keeps the base of its versions once, as `bases/FINGERPRINT` beside `models/`: then neither an update of the
app (with another bundled base), nor removing a base from the store, nor moving the project takes a version away.
A delta that lies elsewhere (a small export) needs its base to be bundled or in the store.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.backbones.pretrained import load_pretrained
from engine.base_folder import Base, is_base_folder, read_tensors, save_base
from engine.choices import BUNDLED_BASES
from engine.delta_facts import MODELS, DeltaFacts, kept_folder
from engine.errors import BaseError, ModelFolderError, SerStudioError
from engine.fingerprint import same_bits
from engine.resources import resource
from engine.store import installed_names, stored_folder
from engine.weights_file import fits_half

_CARD = """# A base that versions of this project need

Versions in `models` that say `{fingerprint}` in their `config.json` are stored as differences to these weights.
Do not delete this folder: SER Studio does so when the last of these versions is deleted.

Base: {name}. Licence: {licence}.
"""


def keep_base(base: Base, folder: Path, new_staging: Callable[[], Path]) -> bool:
    """See to it that `folder` (of `kept_folder`) holds the encoder of `base`, to the bit. False where it cannot.

    A base of the store is hard-linked where the disk can do that, which takes no room; every other one is written
    anew. What was there before and is damaged is replaced. `new_staging` makes an empty folder on the same disk.
    Raises BaseError where the disk is full.
    """
    if _holds(folder, base):
        return True
    staging = new_staging()
    try:
        return _make(base, staging / "base", folder) and _put(staging, folder, base)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _make(base: Base, new: Path, folder: Path) -> bool:
    """Write what `folder` is to hold as `new`; whether it holds the encoder to the bit."""
    if _linked(stored_folder(base.name), new) and _holds(new, base):
        return True
    shutil.rmtree(new, ignore_errors=True)
    card = _CARD.format(fingerprint=folder.name, name=base.name, licence=base.licence or "not stated")
    save_base(base, new, card, {}, _smallest_dtype(base))
    return _holds(new, base)


def _put(staging: Path, folder: Path, base: Base) -> bool:
    try:
        folder.parent.mkdir(exist_ok=True)
        if folder.exists():
            folder.rename(staging / "damaged")
        (staging / "base").rename(folder)
    except OSError:  # another process has put it there meanwhile
        return _holds(folder, base)
    return True


def find_base(folder: Path, facts: DeltaFacts, specification: Mapping[str, Any]) -> Iterator[Mapping[str, Tensor]]:
    """Tensors of one base after the other that the delta in `folder` may be a delta to, the likeliest first.

    specification: of the delta's encoder. One is to be loaded only when those before it were not the right one.
    """
    for candidate in _candidates(folder, facts):
        with suppress(SerStudioError):  # one that is damaged is as good as none
            yield _tensors_of(candidate, specification)


def missing_base(facts: DeltaFacts) -> ModelFolderError:
    """Said where no base that is here is the right one."""
    if facts.base in BUNDLED_BASES:
        return ModelFolderError(
            "This model was made from another bundled base than this SER Studio has.",
            "Ask for it to be exported whole, or install the SER Studio that it was made with.",
        )
    if stored_folder(facts.base) is not None:
        return ModelFolderError(
            f"This model needs other weights of {facts.base} than those that are here.",
            "Ask for it to be exported whole, or add the weights that it was made from.",
        )
    return ModelFolderError(
        f"This model needs its base, {facts.base}, and that is not on this computer.",
        "Add it on the Models page (serstudio models), or ask for the model to be exported whole.",
    )


def _candidates(folder: Path, facts: DeltaFacts) -> Iterator[Path]:
    parent = folder.absolute().parent
    if parent.name == MODELS:
        yield kept_folder(parent.parent, facts.fingerprint)
    stored = [name for name in installed_names() if name != facts.base]
    if facts.base in BUNDLED_BASES:
        yield resource(f"bases/{facts.base}")
    elif stored_folder(facts.base) is not None:
        stored.insert(0, facts.base)
    for name in stored:
        base = stored_folder(name)
        if base is not None:
            yield base


def _tensors_of(folder: Path, specification: Mapping[str, Any]) -> Mapping[str, Tensor]:
    """The encoder's tensors of a base in `folder`, by their names in the encoder. Raises SerStudioError."""
    if is_base_folder(folder):
        return read_tensors(folder)
    layers = specification["backbone"].get("read_layers")
    if layers is None:
        raise BaseError(f"{folder} holds no base.", "A model of this kind needs one.")
    tensors: Mapping[str, Tensor] = load_pretrained(folder, folder.name, tuple(layers)).encoder.state_dict()
    return tensors


def _holds(folder: Path, base: Base) -> bool:
    try:
        found = _tensors_of(folder, base.encoder.specification())
    except SerStudioError:
        return False
    needed = base.encoder.state_dict()
    return all(name in found and same_bits(tensor, found[name]) for name, tensor in needed.items())


def _linked(source: Path | None, new: Path) -> bool:
    """Whether `new` now holds every file of `source` under a second name. Files of the store are never changed."""
    if source is None:
        return False
    try:
        new.mkdir()
        for file in source.iterdir():
            os.link(file.resolve(), new / file.name)
    except OSError:  # another disk, or one that knows no links
        return False
    return True


def _smallest_dtype(base: Base) -> str:
    """Half precision where that loses nothing: a base that was published so."""
    tensors = base.encoder.state_dict().values()
    half = all(not tensor.is_floating_point() or fits_half(tensor) for tensor in tensors)
    return "float16" if half else "float32"
