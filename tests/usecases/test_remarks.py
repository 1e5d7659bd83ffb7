"""Remarks of an adaptation that is done several times."""

from engine.adaptation import Remark
from serstudio.usecases.folds_in_words import Remarks


def told(*messages: str) -> list[str]:
    remarks = Remarks()
    return [warned.message for message in messages for warned in remarks.tell(Remark(message))]


def test_a_remark_with_other_figures_is_the_same() -> None:
    first = "Memory is short (1.5 GB of 2 GB)."
    assert told(first, first, "Memory is short (1.7 GB of 2 GB).") == [first]


def test_a_remark_about_another_label_is_another() -> None:
    both = ["'anger1' is known.", "'anger2' is known."]
    assert told(*both) == both


def test_who_it_is_about_is_told() -> None:
    assert [each.message for each in Remarks().tell(Remark("So it is."), "F-MAML")] == ["F-MAML: So it is."]
