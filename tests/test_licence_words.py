"""The licence of a base, in the words of somebody who never reads licences."""

from pathlib import Path

import pytest

from engine.metalearning.corpora import CORPORA
from engine.metalearning.model_card import inherited_licence
from serstudio.licence_words import base_licence, short_licence, terms_of


def test_non_commercial_terms_are_inherited_from_the_corpora() -> None:
    terms = terms_of(inherited_licence("MIT", ("nemo", "ravdess", "banglaser")))
    assert terms.restricted
    assert terms.headline == "Not for commercial use"
    words = " ".join(terms.points)
    for told in ("Nobody may sell", "same terms", "Name the sources"):
        assert told in words
    for not_told in ("changed form", "look them up", "research:"):
        assert not_told not in words


def test_a_permissive_licence_asks_only_for_its_notice() -> None:
    terms = terms_of("MIT (encoder of OpenAI's Whisper base, multilingual)")
    assert terms.headline == "It may be passed on"
    assert not terms.restricted
    assert [point.split(":")[0] for point in terms.points] == ["Name the sources"]


@pytest.mark.parametrize(
    "licence", ["", "none", "as stated by the publisher of the base", "MIT; corpora ShEMO none stated"]
)
def test_terms_that_are_not_known_must_be_looked_up(licence: str) -> None:
    terms = terms_of(licence)
    assert terms.headline == "Ask before you pass it on"
    assert "look them up" in terms.points[-1]


def test_a_licence_that_forbids_changes_is_told() -> None:
    terms = terms_of(inherited_licence("MIT", ("tess",)))
    assert terms.headline == "Not for commercial use; ask before you pass it on"
    assert any("changed form" in point for point in terms.points)


def test_weights_that_must_stay_where_they_are_are_told_first() -> None:
    terms = terms_of("byola: NTT's own licence: evaluation only, non-commercial, not to be passed on; mfcc: none")
    assert terms.restricted
    assert terms.headline == "It may not be passed on"
    assert "may not be given to anybody" in terms.points[0]
    assert terms.kept


def test_of_weights_that_must_stay_nothing_is_said_of_those_who_get_them() -> None:
    terms = terms_of(
        "Weights under the terms of their sources: NTT's own licence (BYOL-A): internal evaluation only, "
        "non-commercial, no derivatives, not to be passed on; corpora nEMO CC BY-NC-SA 4.0; A research; B none stated"
    )
    words = " ".join(terms.points)
    for told in ("may not be given to anybody", "Nobody may sell", "given for research"):
        assert told in words
    for not_told in ("who gets it", "passes it on", "not known here", "changed form", "Name the sources"):
        assert not_told not in words


@pytest.mark.parametrize("corpus", CORPORA)
def test_every_corpus_that_forbids_commerce_is_heard(corpus: str) -> None:
    licence = CORPORA[corpus].licence
    terms = terms_of(inherited_licence("MIT", (corpus,)))
    assert terms.headline.startswith("Not for commercial") == ("-NC" in licence)
    assert any("research" in point.split(":")[0] for point in terms.points if "given for" in point) == (
        "research" in licence
    )


def test_the_licence_is_read_from_a_model_folder(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"base_licence": "CC0"}', encoding="utf-8")
    assert base_licence(tmp_path) == "CC0"
    for damaged in ("{", "[]", '{"base_licence": 3}', "{}"):
        config.write_text(damaged, encoding="utf-8")
        assert base_licence(tmp_path) == ""
    assert base_licence(tmp_path / "gone") == ""


def test_a_list_has_a_licence_by_its_name_or_what_it_comes_to() -> None:
    assert short_licence("Apache-2.0") == "Apache-2.0"
    long = "Weights under the terms of their sources: CC BY-NC-SA 4.0 (nEMO, RAVDESS), MIT (Whisper)"
    assert short_licence(long) == "not for commercial use"
