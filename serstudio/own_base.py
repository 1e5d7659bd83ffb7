"""Whether a published alternative that is a network of its own can start from a base; read without the engine."""

from pathlib import Path

from engine.choices import BUNDLED_BASES
from engine.store import stored_folder
from engine.systems.catalogue import CATALOGUE
from serstudio.base_titles import base_title
from serstudio.model_config import read_config


def own_base_reason(method: str | None, base: str) -> str | None:
    """Why `method` cannot start from `base`, None where it can; the bundled base stands for the method's own."""
    system = CATALOGUE.get(method or "")
    if method is None or system is None or system.any_backbone or base in (BUNDLED_BASES[0], method):
        return None
    if _network_in(stored_folder(base) or Path(base)) == method:
        return None
    return (
        f"{system.title} starts from its own network, and {base_title(base)} holds none of that kind: choose Compact "
        "as the base, and it takes its own."
    )


def _network_in(folder: Path) -> str | None:
    """The kind of network in the folder of a base or an adapted model, None where it cannot be read."""
    try:
        kind = read_config(folder)["encoder"]["extractor"]["kind"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return kind if isinstance(kind, str) else None
