"""The encoders that small recipes start from, as base folders of their own: `compact-encoder` and one with more layers.

`python -m engine.metalearning.bundled_encoder WHISPER FOLDER --layers 2 3` makes one of OpenAI's Whisper "base": its
encoder up to the highest of these layers, in half precision, else unchanged. The bundled base's own encoder has been
tuned; the published alternatives sit on `compact-encoder`, and share its weights (`engine.shared_weights`), as
`compact-encoder-deep` does.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from engine.backbones.compact import LAYERS_OF_EMOTION
from engine.base_folder import Base, save_base
from engine.choices import COMPACT_ENCODER
from engine.encoder import EmotionEncoder
from engine.extractors import MeanPooling
from engine.metalearning.start import AS_PUBLISHED, load_start
from engine.shared_weights import share_weights

_CARD = """# {name}

The lower {count} layers of the encoder of OpenAI's Whisper "base" (multilingual; Radford et al. 2022), in half
precision, else as they were published: what recipes mean by `start = "{name}"`.
{more}{licence}.

Made again: `python -m engine.metalearning.bundled_encoder WHISPER FOLDER --layers {layers}`, WHISPER a folder with
openai/whisper-base.
"""


def write_encoder(whisper: str, folder: Path, read_layers: Sequence[int] = LAYERS_OF_EMOTION) -> None:
    """Write the encoder of the Whisper model in `whisper` as `folder`. Raises BaseError, RecipeError.

    Under another name than `compact-encoder` what that one holds, in the folder beside, is left to it.
    """
    start = load_start(whisper, tuple(read_layers))
    pooling = MeanPooling(start.backbone.hidden_size, len(read_layers))
    base = Base(folder.name, EmotionEncoder(start.backbone, pooling), standardised=True, licence=start.licence)
    shares = folder.name != COMPACT_ENCODER
    card = _CARD.format(
        name=folder.name,
        count=max(read_layers),
        more=f"The layers that `{COMPACT_ENCODER}` has are stored there only, in the folder beside.\n"
        if shares
        else "",
        licence=start.licence,
        layers=" ".join(str(layer) for layer in read_layers),
    )
    with tempfile.TemporaryDirectory() as whole:
        target = Path(whole) / "base" if shares else folder
        save_base(base, target, card, {"backbone": AS_PUBLISHED}, dtype="float16")
        if shares:
            share_weights(target, folder.parent / COMPACT_ENCODER, folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("whisper", type=Path, help="a folder with openai/whisper-base")
    parser.add_argument("folder", type=Path, help="where it goes: resources/bases/NAME")
    parser.add_argument("--layers", type=int, nargs="+", default=LAYERS_OF_EMOTION, help="those that are read")
    arguments = parser.parse_args()
    write_encoder(f"whisper:{arguments.whisper}", arguments.folder, arguments.layers)


if __name__ == "__main__":
    main()
