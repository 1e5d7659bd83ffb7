"""The current clip: waveform, spectrogram, and the transport below them."""

from collections.abc import Callable

from PySide6.QtCore import QSettings

from engine.errors import SerStudioError
from serstudio.gui.bridge.clip_loader import ClipLoader
from serstudio.gui.bridge.player import OpenStream, PlaybackError, Player, open_sounddevice
from serstudio.gui.session import Session
from serstudio.gui.widgets.buttons import Kind, make_button, set_icon, with_shortcut
from serstudio.gui.widgets.clip_plot import ClipPlot
from serstudio.gui.widgets.layout import Card, row
from serstudio.gui.widgets.spectrum import ClipPicture
from serstudio.gui.widgets.text import Role, make_text
from serstudio.project import Clip

_AUTOPLAY = "label/autoplay"


class ClipView(Card):
    """Loads off the GUI thread; plays by itself when the user moves on, if that is switched on."""

    def __init__(self, session: Session, open_stream: OpenStream = open_sounddevice) -> None:
        super().__init__(margin=12)
        self._session = session
        self._play_when_loaded = False
        self._picture: ClipPicture | None = None
        self.loader = ClipLoader(self)
        self.player = Player(self, open_stream)
        self.plot = ClipPlot()
        self.play = make_button("Play", Kind.NORMAL, "play", tip="Play or pause", shortcut="Space")
        self.loop = make_button("Loop", Kind.NORMAL, "loop", tip="Play again and again", shortcut="L")
        self.autoplay = make_button("Auto-play", Kind.NORMAL, "volume", tip="Play each clip as it comes")
        self.place = make_text("", Role.MUTED)
        self.note = make_text("", Role.CAPTION, wrap=True)
        self.note.hide()
        self.loop.setCheckable(True)
        self.autoplay.setCheckable(True)
        self.autoplay.setChecked(bool(self._settings.value(_AUTOPLAY, defaultValue=True, type=bool)))
        self.body.addWidget(self.plot, 1)
        self.add(row(self.play, self.loop, self.autoplay, 1, self.place))
        self.add(self.note)
        self.loader.loaded.connect(self.on_loaded)
        self.loader.failed.connect(self.on_load_failed)
        self.player.moved.connect(self.on_moved)
        self.player.state_changed.connect(self.on_state_changed)
        self.plot.seek_requested.connect(self.player.seek)
        self.play.clicked.connect(self.toggle_play)
        self.loop.toggled.connect(self.player.set_loop)
        self.autoplay.toggled.connect(self.on_autoplay_toggled)

    @property
    def _settings(self) -> QSettings:
        return self._session.services.settings

    @property
    def picture(self) -> ClipPicture | None:
        """What is shown, None while it loads or when it cannot be read."""
        return self._picture

    def show_clip(self, clip: Clip | None, *, play: bool) -> None:
        """Load `clip`; with `play`, play it once it is there (if auto-play is on)."""
        self.player.stop()
        self._picture = None
        self._play_when_loaded = play and self.autoplay.isChecked()
        self._enable(enabled=False, reason="The clip is being read")
        if clip is None:
            self.loader.forget()
            self.plot.clear()
            self.place.setText("")
            return
        self.loader.load(self._session.project.clip_path(clip))

    def set_loop_shortcut(self, *, free: bool) -> None:
        """The key L may be a label's; the tooltip must not promise it then."""
        self.loop.setToolTip(with_shortcut("Play again and again", "L" if free else ""))

    def _enable(self, *, enabled: bool, reason: str = "") -> None:
        self.play.setEnabled(enabled)
        self.play.setToolTip(reason or with_shortcut("Play or pause", "Space"))

    # --- slots -------------------------------------------------------------------------------------

    def on_loaded(self, picture: ClipPicture) -> None:
        self._picture = picture
        self.plot.show_picture(picture)
        self.player.load(picture.samples, picture.rate_hz)
        self._enable(enabled=True)
        cut = picture.shown_s < picture.duration_s - 0.01
        self.note.setVisible(cut)
        if cut:
            self.note.setText(f"The first {picture.shown_s:.0f} s of {picture.duration_s:.0f} s are shown and played.")
        if self._play_when_loaded:
            self._run(self.player.play, quietly=True)

    def on_load_failed(self, error: SerStudioError) -> None:
        self.plot.clear()
        self._enable(enabled=False, reason=error.message)
        self.note.setText(f"{error.message} {error.hint}")
        self.note.show()

    def on_moved(self, place_s: float) -> None:
        self.plot.set_place(place_s)
        if self._picture is not None:
            self.place.setText(f"{place_s:.1f} / {self._picture.shown_s:.1f} s")

    def on_state_changed(self, playing: bool) -> None:
        self.play.setText("Pause" if playing else "Play")
        set_icon(self.play, "pause" if playing else "play")

    def on_autoplay_toggled(self, on: bool) -> None:
        self._settings.setValue(_AUTOPLAY, on)

    def toggle_play(self) -> None:
        if self._picture is not None:
            self._run(self.player.toggle, quietly=False)

    def _run(self, action: Callable[[], None], *, quietly: bool) -> None:
        """Without a loudspeaker, auto-play says so in the corner; a pressed Play says it in the banner."""
        try:
            action()
        except PlaybackError as error:
            if quietly:
                self.place.setText("no loudspeaker")
                self.place.setToolTip(f"{error.message} {error.hint}")
            else:
                self._session.error_raised.emit(error)

    def close_devices(self) -> None:
        self.player.stop()
        self.loader.close()
