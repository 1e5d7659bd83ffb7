"""Numbers in the matrix can be read on every shade."""

from PySide6.QtGui import QColor

from serstudio.gui.tokens import DARK, LIGHT
from serstudio.gui.widgets.confidence_bars import BarLabel
from serstudio.gui.widgets.confusion_matrix import ConfusionMatrix
from serstudio.gui.widgets.label_look import contrast


def test_the_ink_has_contrast_on_every_shade() -> None:
    labels = [BarLabel(name, "#0077bb", "▲") for name in ("anger", "joy")]
    for tokens in (LIGHT, DARK):
        for share in range(101):
            for right in (True, False):
                ground, ink = ConfusionMatrix.shade(tokens, share / 100, right=right)
                assert contrast(QColor(ink), QColor(ground)) >= 4.5, (share, right)
    matrix = ConfusionMatrix()
    matrix.show_counts(labels, [[4, 2], [5, 1]])
    assert not matrix.grab().toImage().isNull()
