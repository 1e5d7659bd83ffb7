"""A spectrogram that scrolls while one listens."""

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from serstudio.gui.theme import Theme
from serstudio.gui.widgets.clip_plot import spectrum_colours
from serstudio.gui.widgets.spectrum import live_columns

SPAN_S = 8.0
COLUMNS_PER_S = 60
BANDS = 96


class ScrollPlot(QWidget):
    """The last 8 seconds; `feed` as samples come."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Spectrogram of the last eight seconds")
        self._view = pg.GraphicsLayoutWidget()
        self._view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._view.ci.layout.setContentsMargins(0, 0, 0, 0)
        self._plot = self._view.addPlot()
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.setDefaultPadding(0.0)
        self._plot.getAxis("left").hide()
        self._plot.setXRange(-SPAN_S, 0.0)
        self._plot.setYRange(0.0, BANDS)
        ago = [(-float(second), f"−{second} s") for second in range(1, round(SPAN_S))]
        self._plot.getAxis("bottom").setTicks([ago])
        self._image = pg.ImageItem()
        self._plot.addItem(self._image)
        self._columns = np.zeros((int(SPAN_S * COLUMNS_PER_S), BANDS), np.float32)
        self._held = np.zeros(0, np.float32)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)
        self.setMinimumHeight(90)
        Theme.current().changed.connect(self.on_theme_changed)
        self.on_theme_changed()
        self.reset()

    def on_theme_changed(self) -> None:
        tokens = Theme.current().tokens
        self._view.setBackground(QColor(tokens.surface))
        self._image.setColorMap(spectrum_colours(tokens))
        axis = self._plot.getAxis("bottom")
        axis.setTextPen(QColor(tokens.text_faint))
        axis.setPen(QColor(tokens.border))

    def reset(self) -> None:
        self._columns[:] = 0.0
        self._held = np.zeros(0, np.float32)
        self._draw()

    def feed(self, samples: NDArray[np.float32], rate_hz: int) -> None:
        """Append mono samples at `rate_hz`; draws once a call."""
        self._held = np.concatenate([self._held, samples])
        hop = max(1, rate_hz // COLUMNS_PER_S)
        new = live_columns(self._held, rate_hz, hop, BANDS)[-self._columns.shape[0] :]
        if not len(new):
            return
        self._held = self._held[len(new) * hop :]
        self._columns = np.roll(self._columns, -len(new), axis=0)
        self._columns[-len(new) :] = new
        self._draw()

    def _draw(self) -> None:
        self._image.setImage(self._columns, autoLevels=False, levels=(0.0, 1.0))
        self._image.setRect(-SPAN_S, 0.0, SPAN_S, float(BANDS))
