"""A report names nobody's files."""

import pytest

from serstudio.bug_report import describe_bug, one_line, redact_paths


@pytest.mark.parametrize(
    "text",
    [
        "No such file: '/home/maria/My Interviews/maria 1.wav'",
        'open("/home/maria/notes")',
        "/home/maria/clips/maria.wav: empty",
        "at C:\\Users\\maria\\maria.wav",
        "at 'C:/Users/maria smith/maria.wav'",
        "~/maria/x",
        "\\\\server\\maria\\x.wav",
        "file:///home/maria/x.wav",
        "(/home/maria)",
        "path:/home/maria",
        "cannot use /home/x/My Interviews of maria/maria 1.wav or /home/maria",
        "cannot use /home/x/interview with maria.wav",
    ],
)
def test_people_are_taken_out(text: str) -> None:
    assert "maria" not in redact_paths(text)


@pytest.mark.parametrize("text", ["1/2 done", "accuracy and/or loss", "https://example.org/page", "a // b"])
def test_what_is_no_path_stays(text: str) -> None:
    assert redact_paths(text) == text


def test_code_keeps_its_place() -> None:
    text = 'File "/home/maria/serstudio-src/engine/audio/decode.py", line 3'
    assert redact_paths(text) == "File '…/engine/audio/decode.py', line 3"


def test_one_line_is_one_line() -> None:
    assert one_line(ValueError("first\nsecond /home/maria")) == "ValueError: first"
    assert one_line(KeyError()) == "KeyError"
    assert "Traceback" in describe_bug(ValueError("x")) or "ValueError: x" in describe_bug(ValueError("x"))
