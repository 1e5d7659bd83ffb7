"""Labelling by the words of a terminal."""

import pytest

from serstudio.errors import ProjectError
from serstudio.project import NewClip, Project
from serstudio.usecases.label_clips import find_clips, label_clips

NAMES = ["anger_01.wav", "anger_02.wav", "Joy 1.opus", "12", "decade"]


@pytest.fixture
def clips(project: Project) -> Project:
    hashes = [f"{number}a".ljust(64, "f") for number in range(len(NAMES))]
    new = [NewClip(h, f"audio/{h}.wav", name, 1.0, 16_000, 1) for h, name in zip(hashes, NAMES, strict=True)]
    project.add_clips(new, "Import")
    return project


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["anger_01.wav"], ["anger_01.wav"]),
        (["anger_01"], ["anger_01.wav"]),
        (["recordings/anger_01.wav"], ["anger_01.wav"]),
        (["anger_*"], ["anger_01.wav", "anger_02.wav"]),
        (["*_0?.WAV"], ["anger_01.wav", "anger_02.wav"]),
        (["joy 1"], ["Joy 1.opus"]),
        (["3"], ["Joy 1.opus"]),
        (["12"], ["12"]),  # a name before a number
        (["1affff"], ["anger_02.wav"]),
        (["1AFFFF"], ["anger_02.wav"]),
        (["Joy 1.opus", "anger_01", "1"], ["anger_01.wav", "Joy 1.opus"]),
        (["decade"], ["decade"]),
    ],
)
def test_patterns(clips: Project, patterns: list[str], expected: list[str]) -> None:
    assert [clip.name for clip in find_clips(clips, patterns)] == expected


@pytest.mark.parametrize("pattern", ["nobody.wav", "99", "1afff", "", "0123456789abcdef"])
def test_pattern_of_nothing_is_named(clips: Project, pattern: str) -> None:
    with pytest.raises(ProjectError, match=f"No clip matches '{pattern}'"):
        find_clips(clips, ["anger_01", pattern])


def test_labels_by_name_and_off_again(clips: Project) -> None:
    ids = [clip.id for clip in find_clips(clips, ["anger_*"])]
    label_clips(clips, ids, "ANGER")
    assert clips.label_counts() == {1: 2, 2: 0, 3: 0}
    label_clips(clips, ids[:1], None)
    assert clips.label_counts() == {1: 1, 2: 0, 3: 0}
    clips.undo()
    clips.undo()
    assert clips.label_counts() == {1: 0, 2: 0, 3: 0}


def test_unknown_label_names_those_that_are(clips: Project) -> None:
    with pytest.raises(ProjectError, match="has no label 'hate'") as caught:
        label_clips(clips, [1], "hate")
    assert caught.value.hint == "Its labels are: anger, fear, joy."
