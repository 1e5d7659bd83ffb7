"""Requests about bases, the pre-trained models that adaptation starts from; see `requests` for what a request is.

The user calls them models: `serstudio models`, and the Models page.
"""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class BaseState(Enum):
    """BUNDLED comes with the app; INSTALLED lies in the store; PARTIAL was begun to download; OFFERED can be."""

    BUNDLED = "bundled"
    INSTALLED = "installed"
    PARTIAL = "partly downloaded"
    OFFERED = "can be downloaded"


@dataclass(frozen=True)
class BaseDescribed:
    """A base that is here or could be. `name` goes to `--base`."""

    name: str
    title: str  # "XLS-R 300M"
    state: BaseState
    licence: str
    size_bytes: int  # on disk; of one that is not here, of the download
    source: str  # repository, folder it was added from, or "" of the bundled one
    revision: str = ""  # commit of the repository
    parameters: int | None = None
    words: str = ""  # one line: languages, what it is good for, what memory it wants
    folder: Path | None = None  # where it lies, None of one that is not here
    downloaded_bytes: int = 0  # of a PARTIAL one


@dataclass(frozen=True)
class ListBases:
    """What adaptation can start from. Touches no network. Done: `BasesListed`."""


@dataclass(frozen=True)
class BasesListed:
    """The bundled one first, then those installed by name, then those on offer by size."""

    bases: tuple[BaseDescribed, ...]
    store: Path  # the folder that holds the installed ones


@dataclass(frozen=True)
class DownloadBase:
    """Fetch a base on offer at its pinned revision; a second try goes on where it was. Done: `BaseInstalled`."""

    name: str


@dataclass(frozen=True)
class AddBase:
    """Copy a model's folder (from a USB stick, say) into the store. Done: `BaseInstalled`.

    `source` is a folder of a wav2vec2-family model or of a base that `metatrain` made. None as the name: its
    folder's, made fit for a file name.
    """

    source: Path
    name: str | None = None


@dataclass(frozen=True)
class BaseInstalled:
    base: BaseDescribed
    converted: bool  # its weights were pickled and were rewritten as safetensors


@dataclass(frozen=True)
class RemoveBase:
    """Delete an installed base, or what there is of one partly downloaded. Done: `BaseRemoved`."""

    name: str


@dataclass(frozen=True)
class BaseRemoved:
    name: str
    freed_bytes: int


@dataclass(frozen=True)
class VerifyBases:
    """Read every file of these bases (none: all that are here) and compare checksums. Done: `BasesVerified`."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class BaseVerified:
    """`wrong`: files that are missing or differ; empty where all is well."""

    name: str
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class BasesVerified:
    results: tuple[BaseVerified, ...]


BaseRequest = ListBases | DownloadBase | AddBase | RemoveBase | VerifyBases
