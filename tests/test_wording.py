"""Counts, durations and sizes in words."""

import pytest

from serstudio.wording import bytes_in_words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 kB"),
        (12, "1 kB"),
        (4_200, "4 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (82_400_000, "82 MB"),
        (999_499_999, "999 MB"),
        (999_500_000, "1.0 GB"),
        (1_269_737_156, "1.3 GB"),
        (16_400_000_000, "16.4 GB"),
    ],
)
def test_sizes_are_in_the_units_that_a_person_would_choose(count: int, words: str) -> None:
    assert bytes_in_words(count) == words
