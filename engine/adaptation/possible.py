"""What is done where a method cannot work with the clips that there are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from engine.adaptation.clips import LabelledClip
from engine.adaptation.settings import AdaptationSettings, Remark
from engine.bases import Base
from engine.choices import HEADS, KNOWN_EMOTIONS
from engine.heads.fit import LOGISTIC, degenerates

MOST_STEPS_WITHOUT_SPLIT = 5  # with one clip a label, more steps learn the clips by heart


def possible_settings(
    base: Base, clips: Sequence[LabelledClip], labels: Sequence[str], settings: AdaptationSettings
) -> tuple[AdaptationSettings, list[Remark]]:
    """The nearest settings that work with these clips, and what to tell the user of the difference. Not of systems."""
    remarks: list[Remark] = []
    counts = Counter(clip.label for clip in clips)
    if settings.head_kind == KNOWN_EMOTIONS and base.known_by_name(labels) is None:
        if settings.head_kind != base.recommended.method:  # where it is, it means: as far as names are known
            remarks.append(
                Remark(
                    "The base knows fewer than two of these labels by their names: plain logistic regression instead.",
                    "Labels such as anger, sadness or happiness would be known, where the base was made with them.",
                )
            )
        settings = _with_head(settings, LOGISTIC)
    if degenerates(settings.head_kind, list(counts.values())):
        remarks.append(
            Remark(
                f"With one clip a label '{settings.head_kind}' has too little to go by: prototypes instead.",
                "Label a second clip of each emotion.",
            )
        )
        settings = _with_head(settings, HEADS[0])
    split = settings.tunes and settings.method == "disjoint"
    if split and max(counts.values()) == 1:
        steps = min(settings.steps, MOST_STEPS_WITHOUT_SPLIT)
        remarks.append(
            Remark(
                f"With one clip a label no disjoint split is possible: adapting by pmf, {steps} steps.",
                "Label a second clip of each emotion.",
            )
        )
        settings = replace(settings, method="pmf", steps=steps)
    elif split and min(counts.values()) == 1:
        single = sum(count == 1 for count in counts.values())
        remarks.append(
            Remark(
                f"Labels with a single clip: {single}. That clip serves as example and as test at once.",
                "A second clip of each makes the model better.",
            )
        )
    if settings.speaker_mean and not any(clip.speaker for clip in clips):
        remarks.append(Remark("No speaker is named, so no voice can be taken away.", "Name the speaker of each clip."))
    return settings, remarks


def _with_head(settings: AdaptationSettings, head: str) -> AdaptationSettings:
    """The same settings with another head, which is the method itself where nothing is tuned."""
    return replace(settings, method=settings.method if settings.tunes else head, head=head)
