"""One live stream through one model, in the terminal's own process or in the window's child."""

import numpy as np

from engine.classification import load_to_classify, name_scores
from engine.decision import Decision
from engine.errors import AudioError
from engine.streaming import FIRST_DECISION_S, LiveStream
from serstudio.usecases.find_model import find_model
from serstudio.usecases.stream_live import LabelShown, OpenStream, Samples, StreamEnded, StreamStarted


class LiveSession:
    """Loads the model when made. Raises SerStudioError."""

    def __init__(self, request: OpenStream) -> None:
        ready = load_to_classify(find_model(request.model), request.device, request.precision)
        self._model, self._note = ready.model, ready.note
        self._warm_up()
        self._stream = LiveStream(self._model, request.rate_hz)
        self._rate_hz = request.rate_hz
        self._heard_samples = 0

    @property
    def started(self) -> StreamStarted:
        labels = tuple(LabelShown(label.name, label.colour, label.symbol) for label in self._model.labels)
        return StreamStarted(labels, self._model.language, FIRST_DECISION_S, self._note)

    def feed(self, samples: Samples) -> list[Decision]:
        """Take a block at the source's rate; return the decision that fell due, if any."""
        self._heard_samples += len(samples)
        return self._stream.feed(samples)

    def finish(self) -> StreamEnded:
        """The answer for everything heard."""
        try:
            answer = name_scores(self._model, self._stream.finish())
        except AudioError:
            return StreamEnded(None, {}, self._heard_samples / self._rate_hz, 0)
        return StreamEnded(answer.label, answer.scores, answer.duration_s, answer.window_count)

    def _warm_up(self) -> None:
        """The first pass through a model is several times slower; take it before anybody speaks."""
        stream = LiveStream(self._model, 16_000)
        stream.feed(np.zeros(round(2 * FIRST_DECISION_S * 16_000), dtype=np.float32))
