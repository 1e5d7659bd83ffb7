"""What the Models page says of a base, and what it asks before a download or a removal. No Qt."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from serstudio.gui.dialogs.question import Question
from serstudio.licence_words import short_licence, terms_of
from serstudio.usecases.base_requests import BaseDescribed, BaseState
from serstudio.usecases.events import Progress
from serstudio.wording import bytes_in_words, in_words, listed

_MB = 1_000_000  # what the steps of a base's progress count
STATE_WORDS = {
    BaseState.BUNDLED: "Comes with SER Studio",
    BaseState.INSTALLED: "",
    BaseState.PARTIAL: "Partly downloaded",
    BaseState.OFFERED: "",
}


def facts_words(base: BaseDescribed) -> str:
    """Size, licence and number of weights in one line."""
    size = bytes_in_words(base.size_bytes)
    if base.state is BaseState.PARTIAL:
        size = f"{bytes_in_words(base.downloaded_bytes)} of {size} are here"
    parts = (size, _short(base.licence), _parameters(base.parameters))
    return "  ·  ".join(part for part in parts if part)


def _short(licence: str) -> str:
    short = short_licence(licence)
    return f"licence {short}" if short == licence and short[:1].islower() else short


def source_words(base: BaseDescribed) -> str:
    """Where it comes from: a repository at its revision, or the folder that it was copied from."""
    if not base.source:
        return ""
    if base.revision:
        return f"{base.source}, revision {base.revision[:12]}"
    return f"Added from the folder {base.source}"


def _parameters(count: int | None) -> str:
    if count is None:
        return ""
    if count >= 999_500_000:
        return f"{count / 1e9:.1f} billion parameters"
    return f"{count / 1e6:.0f} million parameters" if count >= 999_500 else f"{count:,} parameters"


def progress_words(progress: Progress) -> tuple[str, str]:
    """What is done now, how much of how much and how fast; how long it will still take. The title is on the card."""
    what, left = progress.message.partition(":")[0], ""
    if not progress.total:
        return f"{what}…", left
    done, total = (bytes_in_words(count * _MB) for count in (progress.step, progress.total))
    words = f"{what}  ·  {done} of {total}"
    if progress.remaining_s:
        rate = bytes_in_words(round((progress.total - progress.step) * _MB / progress.remaining_s))
        words, left = f"{words}  ·  {rate}/s", f"about {in_words(progress.remaining_s)} left"
    return words, left


def free_bytes(folder: Path) -> int | None:
    """Free room on the disk that `folder` is on or will be on; None where the system does not tell."""
    for place in (folder, *folder.parents):
        try:
            return shutil.disk_usage(place).free
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None


def download_question(base: BaseDescribed, store: Path, free: int | None) -> Question:
    """Size, licence, source and place, before the first byte."""
    missing = max(0, base.size_bytes - base.downloaded_bytes)
    to_come = bytes_in_words(missing)
    size = f"{to_come} to download"
    if base.downloaded_bytes:
        size += f"; {bytes_in_words(base.downloaded_bytes)} of {bytes_in_words(base.size_bytes)} are here"
    reason = None
    if free is not None:
        size += f". {bytes_in_words(free)} are free on the disk"
        if free < missing:
            reason = f"There is not enough room: {to_come} are needed, {bytes_in_words(free)} are free."
    facts = (
        ("Size", f"{size}."),
        ("Licence", licence_words(base.licence)),
        ("From", source_words(base)),
        ("Kept in", str(store)),
    )
    words = (
        "The files are fetched at this fixed revision and compared with their checksums. You can stop at any time and "
        "go on later. Nothing of yours is sent."
    )
    return Question(f"Download {base.title}?", words, facts, f"Download {to_come}", reason=reason)


def licence_words(licence: str) -> str:
    """The licence as stated, and what it asks."""
    terms = terms_of(licence)
    return f"{licence}. {terms.headline}. {' '.join(terms.points)}"


def remove_question(base: BaseDescribed, versions: Sequence[int]) -> Question:
    """What goes and who needs it. `versions`: those of the open project that were adapted from it."""
    if base.state is BaseState.PARTIAL:
        words = "What has come of it so far is deleted. You can download it again from the start."
        facts: tuple[tuple[str, str], ...] = (("Frees", bytes_in_words(base.downloaded_bytes)),)
        return Question(f"Throw away what there is of {base.title}?", words, facts, "Throw it away", is_danger=True)
    words = (
        "Its files are deleted from this computer. Versions that were adapted from it go on working: their projects "
        "keep what they need of it. To adapt or check with it again it must be here, and so it must for models that "
        "were exported small."
    )
    again = "download it" if base.revision else f"add it from its folder ({base.source})" if base.source else "add it"
    facts = (
        ("Frees", f"{bytes_in_words(base.size_bytes)}, less what projects keep of it"),
        ("To have it again", f"{again[0].upper()}{again[1:]} again."),
    )
    if versions:
        facts = (("In this project", f"{_versions(versions)} adapted from it."), *facts)
    return Question(f"Remove {base.title}?", words, facts, "Remove", is_danger=True)


def _versions(numbers: Sequence[int]) -> str:
    named = [str(number) for number in sorted(numbers)]
    return f"Version {listed(named)} was" if len(named) == 1 else f"Versions {listed(named)} were"
