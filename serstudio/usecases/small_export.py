"""The small form of an export: what differs from the base, for colleagues who have that base. No torch here."""

from engine.choices import BUNDLED_BASES
from engine.delta_facts import DeltaFacts
from engine.store import stored_folder
from serstudio.project import VersionFiles


def small_reason(files: VersionFiles) -> str | None:
    """Why a version cannot be exported small, in words; None where it can."""
    if files.delta is None:
        return "This version is stored whole: most of its base was changed, or an older SER Studio made it."
    base = files.delta.base
    if base not in BUNDLED_BASES and stored_folder(base) is None:
        return f"The base of this version, {base}, is not among the models here, so it goes with the version."
    return None


def needed_words(base: str) -> str:
    """What a colleague needs for a small export: a whole sentence."""
    if base in BUNDLED_BASES:
        return "It works in every SER Studio with the same bundled base as yours."
    return f"It works only where the model {base} has been added to SER Studio."


def whole_bytes(files: VersionFiles) -> int:
    """About how much a version takes when it is exported whole."""
    return files.size_bytes + (files.delta.whole_bytes if files.delta is not None else 0)


def small_section(facts: DeltaFacts) -> str:
    """What the model card of a small export says besides: Markdown, a section."""
    where = "comes with SER Studio" if facts.base in BUNDLED_BASES else "has to be added to SER Studio first"
    return f"""
## What is not in this folder

Only what differs from its base, {facts.base}, is here. The base {where}; it is known by this
fingerprint of its weights: `{facts.fingerprint}`. Where another one is, the model says so and does not
work: ask for it to be exported whole.
"""
