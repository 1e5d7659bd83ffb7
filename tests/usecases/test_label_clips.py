"""Labelling by the words of a terminal."""

import hashlib
from pathlib import Path

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


# --- names that are patterns, and paths ------------------------------------------------------------


def clip_of(holds: bytes, name: str) -> NewClip:
    sha256 = hashlib.sha256(holds).hexdigest()
    return NewClip(sha256, f"audio/{sha256}.opus", name, 1.0, 16_000, 1)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("take[1].opus", ["take[1].opus"]),
        ("TAKE[1]", ["take[1].opus"]),
        ("s1/take[1].opus", ["take[1].opus"]),
        ("what?.opus", ["what?.opus"]),
        ("take*", ["take1.opus", "take[1].opus"]),
        ("[t]ake1.opus", ["take1.opus"]),
        ("plain", ["plain"]),  # the whole name before one without its suffix
    ],
)
def test_a_name_with_brackets_is_that_clip(project: Project, pattern: str, expected: list[str]) -> None:
    names = ["take1.opus", "take[1].opus", "what1.opus", "what?.opus", "plain", "plain.opus"]
    project.add_clips([clip_of(name.encode(), name) for name in names], "Import")
    assert [clip.name for clip in find_clips(project, [pattern])] == expected


@pytest.fixture
def two_of_a_name(project: Project, tmp_path: Path) -> Path:
    """Files s1/anger.opus and s2/anger.opus, both imported as `anger.opus`; the folder that they lie in."""
    for speaker in ("s1", "s2"):
        (tmp_path / speaker).mkdir()
        (tmp_path / speaker / "anger.opus").write_text(speaker)
    project.add_clips([clip_of(speaker.encode(), "anger.opus") for speaker in ("s1", "s2")], "Import")
    return tmp_path


def test_a_path_is_the_clip_that_holds_the_same(project: Project, two_of_a_name: Path) -> None:
    for speaker, number in (("s1", 1), ("s2", 2)):
        assert [clip.id for clip in find_clips(project, [str(two_of_a_name / speaker / "anger.opus")])] == [number]
    project.rename_clip(2, "shouting.opus")
    assert [clip.id for clip in find_clips(project, [str(two_of_a_name / "s2" / "anger.opus")])] == [2]


def test_a_name_without_a_folder_is_every_clip_of_that_name(project: Project, two_of_a_name: Path) -> None:
    assert [clip.id for clip in find_clips(project, ["anger.opus"])] == [1, 2]


@pytest.mark.parametrize("pattern", ["s3/anger.opus", "s3/anger"])
def test_a_path_to_nothing_that_may_be_one_of_several_is_refused(
    project: Project, two_of_a_name: Path, pattern: str
) -> None:
    with pytest.raises(ProjectError, match="2 clips are called anger") as caught:
        find_clips(project, [pattern])
    assert "number of one: 1, 2;" in caught.value.hint


def test_a_path_to_another_recording_of_that_name_is_refused(project: Project, two_of_a_name: Path) -> None:
    new = two_of_a_name / "s3" / "anger.opus"
    new.parent.mkdir()
    new.write_text("s3")
    with pytest.raises(ProjectError, match="another recording") as caught:
        find_clips(project, [str(new)])
    assert caught.value.hint.startswith("Import the file first")
