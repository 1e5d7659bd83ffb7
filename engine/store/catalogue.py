"""The bases that can be downloaded: each at one commit of its repository, with the checksums of its files.

A commit never changes, so what was tried is what everybody gets. Small files that are not listed here (a model card, a
licence) are taken along where the repository has them.
"""

from dataclasses import dataclass

from engine.errors import BaseError

APACHE = "Apache-2.0"
MIT = "MIT"
SHARE_ALIKE = "CC BY-SA 3.0"  # of microsoft/UniSpeech, which the cards of WavLM point to
_PREPROCESSOR, _PICKLED, _SAFE = "preprocessor_config.json", "pytorch_model.bin", "model.safetensors"


@dataclass(frozen=True)
class OfferedFile:
    """One file of the repository. `sha256`: hexadecimal."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Offer:
    """A base on offer. `revision`: the commit; `parameters`: of the encoder; `words`: one line for the user."""

    name: str
    title: str
    repository: str
    revision: str
    licence: str
    parameters: int
    words: str
    files: tuple[OfferedFile, ...]

    @property
    def size_bytes(self) -> int:
        """Of the whole download."""
        return sum(file.size_bytes for file in self.files)

    @property
    def weights(self) -> tuple[OfferedFile, ...]:
        """The files of weights."""
        return tuple(file for file in self.files if file.path.endswith((".bin", ".safetensors")))

    @property
    def pickled(self) -> bool:
        """Whether its weights are rewritten as safetensors after the download."""
        return any(file.path.endswith(".bin") for file in self.weights)


OFFERS: tuple[Offer, ...] = (
    Offer(
        name="hubert-base",
        title="HuBERT Base",
        repository="facebook/hubert-base-ls960",
        revision="dba3bb02fda4248b6e082697eee756de8fe8aa8a",
        licence=APACHE,
        parameters=94_371_712,
        words="Learnt from English speech; small.",
        files=(
            OfferedFile("config.json", 1_385, "56be398848bbd9cbc720172b0d45b2f01cac7652f2968f0f31f5faf9f2986acc"),
            OfferedFile(_PREPROCESSOR, 213, "4a93853b74278b7c769d07f5a861e5d12ceb5db2bced5620d335f87238cb9e86"),
            OfferedFile(_PICKLED, 377_569_754, "062249fffb353eab67547a2fbc129f7c31a2f459faf641b19e8fb007cc5c48ad"),
        ),
    ),
    Offer(
        name="wavlm-base-plus",
        title="WavLM Base+",
        repository="microsoft/wavlm-base-plus",
        revision="4c66d4806a428f2e922ccfa1a962776e232d487b",
        licence=SHARE_ALIKE,
        parameters=94_381_936,
        words="Learnt from English speech, also noisy; small.",
        files=(
            OfferedFile("config.json", 2_232, "fea6df1c2700a3954fc07e70588aecc9055eeb28db2ff57151a2db0d19180ed4"),
            OfferedFile(_PREPROCESSOR, 215, "99272fe8ccfab114b68b478681ea47ee3a1ce62bb788cb92dd6e4f69fb1f1da2"),
            OfferedFile(_PICKLED, 377_617_425, "3bb273a6ace99408b50cfc81afdbb7ef2de02da2eab0234e18db608ce692fe51"),
        ),
    ),
    Offer(
        name="wav2vec2-base",
        title="wav2vec 2.0 Base",
        repository="facebook/wav2vec2-base",
        revision="0b5b8e868dd84f03fd87d01f9c4ff0f080fecfe8",
        licence=APACHE,
        parameters=94_371_712,
        words="Learnt from English speech; small.",
        files=(
            OfferedFile("config.json", 1_842, "4937977e24d12d1bba70cdce8709c3c04807a8e4ae8ddac4229c48c436ae99ae"),
            OfferedFile(_PREPROCESSOR, 159, "b225d617c025463b9e157e06afea8b90dc7078fc70b013c533328423e0486b4a"),
            OfferedFile(_PICKLED, 380_267_417, "3249fe98bfc62fcbc26067f724716a6ec49d12c4728a2af1df659013905dff21"),
        ),
    ),
    Offer(
        name="wavlm-large",
        title="WavLM Large",
        repository="microsoft/wavlm-large",
        revision="c1423ed94bb01d80a3f5ce5bc39f6026a0f4828c",
        licence=SHARE_ALIKE,
        parameters=315_453_120,
        words="Learnt from English speech, also noisy; large.",
        files=(
            OfferedFile("config.json", 2_222, "a3d8fe831aaf63d725b54a8ac36f3549cd4365c5086774b2c89cabbc6f9e129d"),
            OfferedFile(_PICKLED, 1_261_990_257, "fdee460e529396ddb2f8c8e8ce0ad74cfb747b726bc6f612e666c7c1e1963c9d"),
        ),
    ),
    Offer(
        name="xls-r-300m",
        title="XLS-R 300M",
        repository="facebook/wav2vec2-xls-r-300m",
        revision="1a640f32ac3e39899438a2931f9924c02f080a54",
        licence=APACHE,
        parameters=315_438_720,
        words="Learnt from 128 languages; the model of the paper; large.",
        files=(
            OfferedFile("config.json", 1_568, "0bffa0d0e98153e883b828d86491f3c6062cb563dc9d7a9cfd1790da30c286ac"),
            OfferedFile(_PREPROCESSOR, 212, "a2254a5b58f72cd4de3632f8eee64f3f098b7c1402128d2f419e7d00ae13e335"),
            OfferedFile(_PICKLED, 1_269_737_156, "d5e490574712ad0a6736923b9ed11d4cd51c78609c36205f704fc4e87b11d2e0"),
        ),
    ),
    Offer(
        name="w2v-bert-2.0",
        title="w2v-BERT 2.0",
        repository="facebook/w2v-bert-2.0",
        revision="da985ba0987f70aaeb84a80f2851cfac8c697a7b",
        licence=MIT,
        parameters=580_493_120,
        words="Learnt from 143 languages; very large.",
        files=(
            OfferedFile("config.json", 1_874, "f5572bd5998b68182e9c328a43127ed21fed687f6910497136b91a4e3b0e3675"),
            OfferedFile(_PREPROCESSOR, 275, "8e6281aad64f97e40534135a59dcc5d33571efae376f2a25adf5551951897ab4"),
            OfferedFile(_SAFE, 2_322_063_736, "eb890c9660ed6e3414b6812e27257b8ce5454365d5490d3ad581ea60b93be043"),
        ),
    ),
)


def offers() -> tuple[Offer, ...]:
    """All, the smallest download first."""
    return tuple(sorted(OFFERS, key=lambda offer: offer.size_bytes))


def offer_called(name: str) -> Offer | None:
    """The offer of that name."""
    return next((offer for offer in OFFERS if offer.name == name), None)


def not_here(name: str) -> BaseError | None:
    """What to say where the offer of that name is wanted and is not in the store; None if there is no such offer."""
    if offer_called(name) is None:
        return None
    return BaseError(
        f"The model {name} is not on this computer.",
        f"Get it on the Models page or with: serstudio models download {name}",
    )


def offer_with(weights_sha256: tuple[str, ...]) -> Offer | None:
    """The offer whose published weights have these checksums: a copy of it, wherever it came from."""
    if not weights_sha256:
        return None
    return next((each for each in OFFERS if set(weights_sha256) == {file.sha256 for file in each.weights}), None)
