"""What is on offer: pinned, with checksums, and on terms that are known."""

import re

import pytest

from engine.store import catalogue
from engine.store.catalogue import Offer, offer_with, offers
from engine.store.location import is_store_name
from serstudio.licence_words import terms_of


@pytest.mark.parametrize("offer", catalogue.OFFERS, ids=lambda offer: offer.name)
def test_an_offer_is_pinned_whole_and_on_known_terms(offer: Offer) -> None:
    assert is_store_name(offer.name)
    assert re.fullmatch("[0-9a-f]{40}", offer.revision)
    assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) for file in offer.files)
    assert "config.json" in {file.path for file in offer.files}
    (weights,) = offer.weights
    assert weights.size_bytes >= 4 * offer.parameters  # single precision; some hold a training head, too
    assert not [point for point in terms_of(offer.licence).points if "not known" in point]
    assert offer_with((weights.sha256,)) is offer


def test_offers_differ_and_stand_by_size() -> None:
    found = offers()
    assert len({offer.name for offer in found}) == len({offer.repository for offer in found}) == len(found)
    assert [offer.size_bytes for offer in found] == sorted(offer.size_bytes for offer in found)
    assert offer_with(()) is None
    assert offer_with(("0" * 64,)) is None
