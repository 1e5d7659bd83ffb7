"""Corpora whose file names (or folders) say who speaks with which emotion: one rule each.

A rule's pattern is matched against the end of the path, without its suffix and whatever the case, so it does not
matter in which folder the archive was unpacked. What matches is also the clip's identity: some archives hold
everything twice.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from engine.emotions import WORDS
from engine.metalearning.corpora.corpus import Findings, FoundClip
from engine.metalearning.corpora.files import audio_files


def _codes(**codes: str) -> Mapping[str, str]:
    return MappingProxyType(codes)


def _numbers(*emotions: str) -> Mapping[str, str]:
    """Two-digit codes from 01."""
    return MappingProxyType({f"{number:02d}": emotion for number, emotion in enumerate(emotions, start=1)})


def _hundred(number: str) -> str:
    """The hundred that a sentence's number is of: 00001-00100 are the first."""
    return str((int(number) - 1) // 100)


@dataclass(frozen=True)
class FileNameRule:
    """`pattern` has the groups `label` and `speaker`, if the name tells; `labels` is None for corpora of speakers only.

    code: makes the key of `labels` from what the group holds. speaker: the one speaker of the whole corpus.
    """

    pattern: str
    labels: Mapping[str, str] | None
    code: Callable[[str], str] = str.lower
    speaker: str | None = None

    def find(self, root: Path) -> Findings:
        """Every clip below `root` that the pattern recognises, once."""
        pattern = re.compile(rf"(?:^|/)(?P<clip>{self.pattern})$", re.IGNORECASE)
        found: dict[str, FoundClip] = {}
        unlabelled: set[str] = set()
        for relative in audio_files(root):
            match = pattern.search(relative.with_suffix("").as_posix())
            if match is None:
                continue
            clip, groups = match["clip"].lower(), match.groupdict()
            speaker = groups.get("speaker", self.speaker)
            if self.labels is None:
                found.setdefault(clip, FoundClip(root / relative, speaker=speaker))
            elif label := self.labels.get(self.code(groups["label"])):
                found.setdefault(clip, FoundClip(root / relative, label, speaker))
            else:
                unlabelled.add(clip)
        return Findings(tuple(found.values()), unlabelled=len(unlabelled))


FILE_NAME_RULES: Mapping[str, FileNameRule] = MappingProxyType(
    {
        "crema-d": FileNameRule(
            r"(?P<speaker>\d{4})_[A-Z]{3}_(?P<label>[A-Z]{3})_[A-Z]+",
            _codes(ang="anger", dis="disgust", fea="fear", hap="happiness", neu="neutral", sad="sadness"),
        ),
        "ravdess": FileNameRule(
            r"03-01-(?P<label>\d\d)-\d\d-\d\d-\d\d-(?P<speaker>\d\d)",
            _numbers("neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise"),
        ),
        "banglaser": FileNameRule(
            r"03-01-(?P<label>\d\d)-\d\d-\d\d-\d\d-(?P<speaker>\d\d)",
            _numbers("happiness", "sadness", "anger", "surprise", "neutral"),
        ),
        # A few of the older speaker's files are named OA_ rather than OAF_.
        "tess": FileNameRule(
            r"(?P<speaker>[OY]A)F?_[a-z]+_(?P<label>[a-z]+)",
            MappingProxyType({**WORDS, "ps": "surprise"}),
        ),
        # h and e, and so on, are the two emotions of a dialogue; its actors are not named.
        "resd": FileNameRule(
            r"\d+_[a-z]+_[a-z]+[_ ](?P<label>[a-z])_\d+",
            _codes(
                a="anger", d="disgust", e="enthusiasm", f="fear", h="happiness", n="neutral", s="sadness",
            ),
        ),
        "shemo": FileNameRule(
            r"(?P<speaker>[FM]\d\d)(?P<label>[A-Z])\d\d",
            _codes(a="anger", f="fear", h="happiness", n="neutral", s="sadness", w="surprise"),
        ),
        "subesco": FileNameRule(r"(?P<speaker>[FM]_\d\d)_[^/_]+_S_\d+_(?P<label>[A-Z]+)_\d+", WORDS),
        "thorsten": FileNameRule(
            r"(?P<label>amused|angry|disgusted|drunk|neutral|sleepy|surprised|whisper)/[^/]+",
            WORDS,
            speaker="thorsten",
        ),
        "aesi": FileNameRule(r"(?P<label>anger|fear|joy|sadness|neutral)/[^/]+", WORDS),
        "emoro": FileNameRule(rf"(?P<label>{'|'.join(WORDS)})/[^/]+", WORDS),
        "emodb": FileNameRule(
            r"(?P<speaker>\d\d)[ab]\d\d(?P<label>[A-Z])[a-z]?",
            _codes(w="anger", l="boredom", e="disgust", a="fear", f="happiness", t="sadness", n="neutral"),
        ),
        "aesdd": FileNameRule(
            r"(?P<label>[a-z])\d\d ?\((?P<speaker>\d+)[a-z]?\) ?[a-z]?",
            _codes(a="anger", d="disgust", f="fear", h="happiness", s="sadness"),
        ),
        "nemo": FileNameRule(r"(?P<speaker>[A-Z]{2}\d)_(?P<label>[a-z]+)_\d+", WORDS),
        "korean-emotiontts": FileNameRule(
            r"(?P<speaker>(?:em|ne)[a-z])(?P<label>\d{5})",
            MappingProxyType({"0": "neutral", "1": "happiness", "2": "anger", "3": "sadness"}),
            code=_hundred,
        ),
        # help-safe-angry-TIME-HASH: command, situation, emotion; the speaker is the start of the hash.
        "indian-emospeech-commands": FileNameRule(
            r"[^/-]+-[a-z]+-(?P<label>[a-z]+)-[^/]*-(?P<speaker>[0-9a-f]{12})[0-9a-f]*", WORDS
        ),
        "emovo": FileNameRule(
            r"(?P<label>[a-z]{3})-(?P<speaker>[fm]\d)-[a-z]\d",
            _codes(
                dis="disgust", gio="happiness", neu="neutral", pau="fear", rab="anger", sor="surprise", tri="sadness",
            ),
        ),
        "turev-db": FileNameRule(r"(?P<label>[a-z]+)/(?P<speaker>\d+)_[^/]+", WORDS),
        "voxceleb2": FileNameRule(r"(?P<speaker>id\d{5})/[^/]+/\d{5}", None),
    }
)  # fmt: skip
