"""What stands for the clips that a training runs on, so that it is not taken up on others."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from engine.metalearning.corpora.corpus import Corpus


def digest_of(corpora: Iterable[Corpus], root: Path) -> str:
    """A digest of every clip's corpus, path below `root`, label, speaker and accent, wherever `root` is.

    Of a clip elsewhere, which a manifest may name, the whole path.
    """
    seen = hashlib.sha256()
    for corpus in corpora:
        for clip in corpus.clips:
            path = clip.path.relative_to(root) if clip.path.is_relative_to(root) else clip.path
            told = [corpus.name, path.as_posix(), str(clip.label), str(clip.speaker)]
            told += [clip.accent] if clip.accent else []
            seen.update(("\0".join(told) + "\n").encode())
    return seen.hexdigest()
