"""Bases: the encoders that an adaptation starts from.

`compact`            the bundled one (resources/bases/compact)
`hgfm` ...           what the published alternatives start from, bundled too (`engine.systems`)
`NAME`               one in the store: downloaded, or added from a folder (`engine.store`)
`hf:FOLDER_OR_ID`    a raw model as transformers writes it (`backbones.pretrained`), or one in the hub's local cache
`FOLDER`             a base that `serstudio metatrain` made, an adapted model with all that was tuned, or a raw model

Nothing here opens a network connection, and weights are only ever read from safetensors.
"""

from dataclasses import replace
from pathlib import Path

from engine.backbones.pretrained import is_pretrained_folder, load_pretrained, transformers_folder
from engine.base_folder import Base, is_base_folder, load_base_folder
from engine.choices import BUNDLED_BASES, SYSTEMS
from engine.errors import BaseError
from engine.model_folder import load_model
from engine.resources import resource
from engine.store import not_here, read_record, stored_folder

__all__ = ["COMPACT", "Base", "base_for", "load_base", "load_stored"]

COMPACT = "compact"


def base_for(name: str, method: str | None) -> str:
    """The base that is meant by `name`: each published alternative has a bundled one beside compact."""
    return method if name == COMPACT and method is not None and method in SYSTEMS else name


def load_base(name: str = COMPACT) -> Base:
    """Load a base by name, on the CPU. Raises BaseError."""
    if name in BUNDLED_BASES:
        try:
            return load_base_folder(resource(f"bases/{name}"))
        except BaseError as error:
            raise BaseError(f"The bundled base {name} is missing or damaged.", "Install SER Studio again.") from error
    if name.startswith("hf:"):
        return load_pretrained(transformers_folder(name), name)
    stored = stored_folder(name)
    if stored is not None:
        return load_stored(stored, name)
    if is_base_folder(Path(name)):
        return load_base_folder(Path(name))
    if is_pretrained_folder(Path(name)):
        return load_pretrained(Path(name), name)
    if (Path(name) / "config.json").is_file():
        return _base_of_model(Path(name), name)
    if (absent := not_here(name)) is not None:
        raise absent
    raise BaseError(
        f"There is no base called '{name}'.",
        "Use compact, a name that 'serstudio models list' shows, hf:FOLDER, or the folder of a base or a model.",
    )


def load_stored(folder: Path, name: str) -> Base:
    """The base in a folder of the store, under its name there, with the licence that is known of it.

    Raises BaseError.
    """
    base = load_base_folder(folder) if is_base_folder(folder) else load_pretrained(folder, name)
    return replace(base, name=name, licence=read_record(folder).licence)


def _base_of_model(folder: Path, name: str) -> Base:
    """The adapted model in `folder` as a base: its encoder with all that was tuned, its head left behind.

    A projection that was tuned lies in the head; here it becomes the encoder's, and what is known of emotions goes
    through it, so that heads of the new base see what the model's own head sees.
    """
    model = load_model(folder, "cpu")
    emotions, projection = model.emotions, model.head.projection
    if projection is not None:
        if not model.encoder.extractor.fold(projection):
            raise BaseError(
                f"What was tuned of the model in {name} lies in its head and cannot be taken along by this encoder.",
                f"Adapt from the base that it was made from, {model.base}.",
            )
        emotions = None if emotions is None else emotions.projected(projection)
    return Base(
        name,
        model.encoder,
        model.standardised,
        model.base_licence,
        recommended=model.recommended,
        cosine_scale=model.cosine_scale,
        emotions=emotions,
    )
