"""Waveform above spectrogram of one clip, with one playhead and one time axis."""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from serstudio.gui.theme import Theme
from serstudio.gui.tokens import Tokens
from serstudio.gui.widgets.spectrum import ClipPicture, band_of

TICKS_HZ = (250, 500, 1000, 2000, 4000)


def spectrum_colours(tokens: Tokens) -> pg.ColorMap:
    """The theme's colours from silence to loud."""
    colours = [QColor(value) for value in tokens.spectrum]
    return pg.ColorMap(np.linspace(0.0, 1.0, len(colours)), colours)


class ClipPlot(QWidget):
    """Shows a `ClipPicture`; a click moves the playhead (`seek_requested`, in seconds)."""

    seek_requested = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Waveform and spectrogram of the clip")
        self._view = pg.GraphicsLayoutWidget()
        self._view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._view.ci.layout.setContentsMargins(0, 0, 0, 0)
        self._view.ci.layout.setSpacing(2)
        self._wave = self._view.addPlot(row=0, col=0)
        self._mel = self._view.addPlot(row=1, col=0)
        self._view.ci.layout.setRowStretchFactor(0, 2)
        self._view.ci.layout.setRowStretchFactor(1, 3)
        self._picture: ClipPicture | None = None
        self._upper = pg.PlotDataItem()
        self._lower = pg.PlotDataItem()
        self._fill = pg.FillBetweenItem(self._upper, self._lower)
        self._image = pg.ImageItem()
        self._heads = [pg.InfiniteLine(0.0, angle=90) for _ in range(2)]
        self._arrange()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)
        self.setMinimumHeight(150)
        self._view.scene().sigMouseClicked.connect(self.on_mouse_clicked)
        Theme.current().changed.connect(self.on_theme_changed)
        self.on_theme_changed()

    def _arrange(self) -> None:
        for plot in (self._wave, self._mel):
            plot.setMenuEnabled(False)
            plot.hideButtons()
            plot.setMouseEnabled(x=False, y=False)
            plot.setDefaultPadding(0.0)
            axis = plot.getAxis("left")
            axis.setWidth(34)
            axis.setStyle(tickLength=0)
            plot.getAxis("bottom").setStyle(tickLength=-4)
        self._wave.getAxis("bottom").hide()
        self._wave.getAxis("left").setTicks([])
        self._wave.addItem(self._fill)
        self._mel.addItem(self._image)
        self._wave.addItem(self._heads[0])
        self._mel.addItem(self._heads[1])
        self._wave.setXLink(self._mel)

    def on_theme_changed(self) -> None:
        tokens = Theme.current().tokens
        self._view.setBackground(QColor(tokens.surface))
        self._fill.setBrush(QColor(tokens.wave))
        self._image.setColorMap(spectrum_colours(tokens))
        for axis in (self._mel.getAxis("bottom"), self._mel.getAxis("left"), self._wave.getAxis("left")):
            axis.setTextPen(QColor(tokens.text_faint))
            axis.setPen(QColor(tokens.surface))
        for head in self._heads:
            head.setPen(pg.mkPen(QColor(tokens.danger), width=1.5))

    def clear(self) -> None:
        self._picture = None
        self._image.clear()
        empty = np.zeros(2)
        self._upper.setData(np.arange(2), empty)
        self._lower.setData(np.arange(2), empty)

    def show_picture(self, picture: ClipPicture) -> None:
        self._picture = picture
        times_s = np.linspace(0.0, picture.shown_s, picture.envelope.shape[0])
        peak = max(float(np.abs(picture.envelope).max()), 0.02)
        hair = peak * 0.006  # silence is a thin line, not nothing
        self._upper.setData(times_s, picture.envelope[:, 1] + hair)
        self._lower.setData(times_s, picture.envelope[:, 0] - hair)
        self._wave.setYRange(-peak * 1.05, peak * 1.05)
        bands = picture.mel.shape[1]
        self._image.setImage(picture.mel, autoLevels=False, levels=(0.0, 1.0))
        self._image.setRect(0.0, 0.0, picture.shown_s, float(bands))
        self._mel.setYRange(0.0, bands)
        ticks = [(band_of(hz, picture.rate_hz, bands), f"{hz / 1000:g}k") for hz in TICKS_HZ]
        self._mel.getAxis("left").setTicks([[tick for tick in ticks if tick[0] < bands * 0.97]])
        self._mel.setXRange(0.0, picture.shown_s)
        self.set_place(0.0)

    def set_place(self, place_s: float) -> None:
        for head in self._heads:
            head.setValue(place_s)

    def on_mouse_clicked(self, event: object) -> None:
        place: QPointF = self._mel.getViewBox().mapSceneToView(event.scenePos())  # type: ignore[attr-defined]
        if self._picture is not None:
            self.seek_requested.emit(float(np.clip(place.x(), 0.0, self._picture.shown_s)))
