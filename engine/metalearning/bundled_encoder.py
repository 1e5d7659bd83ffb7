"""The encoder that small recipes start from (`compact-encoder`), as a base folder of its own.

`python -m engine.metalearning.bundled_encoder WHISPER FOLDER` makes it of OpenAI's Whisper "base": the lower three
layers of its encoder in half precision, else unchanged. The bundled base's own encoder has been tuned; the published
alternatives sit on this one, and share its weights (`engine.shared_weights`).
"""

import argparse
from pathlib import Path

from engine.backbones.compact import LAYERS_OF_EMOTION
from engine.base_folder import Base, save_base
from engine.choices import COMPACT_ENCODER
from engine.encoder import EmotionEncoder
from engine.extractors import MeanPooling
from engine.metalearning.start import AS_PUBLISHED, load_start

_CARD = """# {name}

The lower three layers of the encoder of OpenAI's Whisper "base" (multilingual; Radford et al. 2022), in half precision,
else as they were published. What recipes mean by `start = "{name}"`, and what the bundled bases of the published
alternatives sit on. {licence}.

Made again: `python -m engine.metalearning.bundled_encoder WHISPER FOLDER`, WHISPER a folder with openai/whisper-base.
"""


def write_encoder(whisper: str, folder: Path) -> None:
    """Write the encoder of the Whisper model in `whisper` as `folder`. Raises BaseError, RecipeError."""
    start = load_start(whisper, LAYERS_OF_EMOTION)
    pooling = MeanPooling(start.backbone.hidden_size, len(LAYERS_OF_EMOTION))
    base = Base(COMPACT_ENCODER, EmotionEncoder(start.backbone, pooling), standardised=True, licence=start.licence)
    card = _CARD.format(name=COMPACT_ENCODER, licence=start.licence)
    save_base(base, folder, card, {"backbone": AS_PUBLISHED}, dtype="float16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("whisper", type=Path, help="a folder with openai/whisper-base")
    parser.add_argument("folder", type=Path, help="where it goes: resources/bases/compact-encoder")
    arguments = parser.parse_args()
    write_encoder(f"whisper:{arguments.whisper}", arguments.folder)


if __name__ == "__main__":
    main()
