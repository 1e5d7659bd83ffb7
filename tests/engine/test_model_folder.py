import dataclasses
import hashlib
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine import model_folder
from engine.adaptation import AdaptationSettings, Adapted, adapt
from engine.bases import Base, load_base
from engine.choices import HEADS, Recommended
from engine.errors import BaseError, DeviceError, ModelFolderError
from engine.extractors import GatedLinearUnit, LateralInhibition, MeanFC
from engine.fingerprint import fingerprint
from engine.heads import fit_head
from engine.heads.speakers import SpeakerOffsets
from engine.known_emotions import KnownEmotions
from engine.model_folder import AdaptedModel, LabelSpec, load_model, read_origin, save_model
from engine.streaming import score_window
from tests.engine.conftest import labelled, tiny_encoder, voice

ONE_STEP = AdaptationSettings(steps=1)
FOUR = labelled([2, 2])


def model_of(base: Base, settings: AdaptationSettings = ONE_STEP) -> AdaptedModel:
    clips = [dataclasses.replace(clip, speaker="ann" if index % 2 else None) for index, clip in enumerate(FOUR)]
    *_, adapted = adapt(base, clips, ("злость", "joy"), settings)
    assert isinstance(adapted, Adapted)
    labels = (LabelSpec("злость", "#aa0000", "▲", "1", 2, 1), LabelSpec("joy", "#00aa00", "●", "2", 2, 2))
    origin = {"method": "disjoint", "steps": 1}
    return AdaptedModel(
        adapted.encoder,
        adapted.head,
        labels,
        "Ket",
        "tiny",
        "none",
        base.standardised,
        origin,
        speakers=adapted.speakers,
    )


@pytest.fixture
def folder(tmp_path: Path, tiny_base: Base) -> Path:
    save_model(model_of(tiny_base), tmp_path, "# card")
    return tmp_path


def test_a_saved_model_gives_the_same_answers_to_the_bit(folder: Path, tiny_base: Base) -> None:
    original, again = model_of(tiny_base), load_model(folder, "cpu")
    assert score_window(again, voice(5)) == score_window(original, voice(5))
    assert again.labels == original.labels
    assert (again.language, again.base, again.base_licence) == ("Ket", "tiny", "none")


@pytest.mark.parametrize("extractor", [MeanFC, LateralInhibition, GatedLinearUnit])
def test_the_papers_extractors_travel_too(tmp_path: Path, extractor: type) -> None:
    base = Base("tiny", tiny_encoder(extractor), standardised=False, licence="none")
    save_model(model_of(base), tmp_path, "# card")
    assert score_window(load_model(tmp_path, "cpu"), voice(5)) == score_window(model_of(base), voice(5))
    assert load_base(str(tmp_path)).encoder.embedding_size == 256


def test_what_was_published_in_half_precision_and_not_tuned_is_written_so(tmp_path: Path) -> None:
    encoder = tiny_encoder()
    encoder.load_state_dict({name: tensor.half() for name, tensor in encoder.state_dict().items()})
    original = model_of(Base("tiny", encoder, standardised=False, licence="none"), AdaptationSettings(method="lda"))
    name, tuned = next(iter(original.encoder.backbone.named_parameters()))
    with torch.no_grad():
        tuned.add_(1e-5)
    save_model(original, tmp_path, "# card")
    stored = load_file(tmp_path / "model.safetensors")
    whole = {each for each, tensor in stored.items() if tensor.dtype == torch.float32 and each.startswith("encoder.")}
    assert whole == {f"encoder.backbone.{name}"}
    assert stored["head.weight"].dtype == torch.float32
    again = load_model(tmp_path, "cpu")
    assert fingerprint(again.encoder) == fingerprint(original.encoder)
    assert score_window(again, voice(5)) == score_window(original, voice(5))


def test_a_model_folder_is_a_base(folder: Path) -> None:
    base = load_base(str(folder))
    *_, adapted = adapt(base, labelled([2, 2]), ("a", "b"), AdaptationSettings(method="prototypes"))
    assert isinstance(adapted, Adapted)


def test_as_a_base_it_is_loaded_on_the_processor_whatever_there_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def resolve(name: str) -> torch.device:
        asked.append(name)
        return torch.device("cpu")

    monkeypatch.setattr(model_folder, "resolve_device", resolve)
    load_base(str(folder))
    assert asked == ["cpu"]


def test_the_folder_holds_three_files_and_nothing_pickled(folder: Path) -> None:
    assert {file.name for file in folder.iterdir()} == {"config.json", "model.safetensors", "README.md"}


def test_who_may_read_the_card_may_read_the_weights(folder: Path) -> None:
    assert (folder / "model.safetensors").stat().st_mode == (folder / "README.md").stat().st_mode


def test_a_changed_weight_is_noticed(folder: Path) -> None:
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelFolderError, match="damaged"):
        load_model(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_that_may_not_be_read_is_told_in_words(
    tiny_base: Base, open_folder: Path, unprivileged: Any, name: str
) -> None:
    save_model(model_of(tiny_base), open_folder, "# card")
    (open_folder / name).chmod(0)
    with unprivileged(), pytest.raises(ModelFolderError, match=r"could not be read \(Permission denied\)") as caught:
        load_model(open_folder, "cpu")
    assert "may read" in caught.value.hint


def test_a_folder_that_may_not_be_entered_is_none(tiny_base: Base, open_folder: Path, unprivileged: Any) -> None:
    (open_folder / "model").mkdir()
    save_model(model_of(tiny_base), open_folder / "model", "# card")
    (open_folder / "model").chmod(0)
    with unprivileged(), pytest.raises(ModelFolderError, match="holds no adapted model"):
        load_model(open_folder / "model", "cpu")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format_version": 99}, "newer"),
        ({"format": "something else"}, "not written by SER Studio"),
        ({"labels": []}, "not one row a label"),
        ({"encoder": {"backbone": {"kind": "?", "read_layers": [1]}}}, "do not fit together"),
        ({"language": None, "labels": [{"name": "x"}]}, "do not fit together"),
        ({"head": {"kind": "lda"}}, "do not fit together"),
        ({"recommended": {"speed": 3}}, "do not fit together"),
    ],
)
def test_a_config_that_is_off_is_refused_in_words(folder: Path, change: dict[str, object], words: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(ModelFolderError, match=words):
        load_model(folder)


@pytest.mark.parametrize("text", ["", "not json", "[]"])
def test_a_config_that_cannot_be_read_is_refused_in_words(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(ModelFolderError, match="cannot be read"):
        load_model(folder)


def test_version_1_knew_prototypes_only_and_gives_the_same_answers_to_the_bit(tmp_path: Path, tiny_base: Base) -> None:
    """A folder in the layout of version 1, and its arithmetic: scaled cosines to standardised mean embeddings."""
    model = model_of(tiny_base)
    size = model.encoder.embedding_size
    generator = torch.Generator().manual_seed(0)
    vectors, centre = torch.randn(2, size, generator=generator), torch.randn(size, generator=generator)
    spread, scale = torch.rand(size, generator=generator) + 0.5, 10.0
    tensors = {f"encoder.{name}": value for name, value in model.encoder.state_dict().items()}
    tensors |= {"prototypes.vectors": vectors, "prototypes.centre": centre, "prototypes.spread": spread}
    save_file({name: value.contiguous() for name, value in tensors.items()}, tmp_path / "model.safetensors")
    config = {
        "format": "serstudio-model",
        "format_version": 1,
        "language": "Ket",
        "labels": [dataclasses.asdict(label) for label in model.labels],
        "base": "compact",
        "base_licence": "MIT",
        "standardised": True,
        "cosine_scale": scale,
        "encoder": model.encoder.specification(),
        "origin": {"method": "disjoint", "steps": 25},
        "weights_sha256": hashlib.sha256((tmp_path / "model.safetensors").read_bytes()).hexdigest(),
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    loaded = load_model(tmp_path, "cpu")

    with torch.inference_mode():
        embedding = model.encoder.embed([model.encoder.front_end(voice(5))])
        queries = torch.nn.functional.normalize((embedding - centre) / spread, dim=-1)
        keys = torch.nn.functional.normalize((vectors - centre) / spread, dim=-1)
        expected = (scale * queries @ keys.T).softmax(-1)[0].double().tolist()
    assert list(score_window(loaded, voice(5))) == expected
    assert loaded.speakers is None
    assert loaded.recommended == load_base(str(tmp_path)).recommended == Recommended()
    (tmp_path / "again").mkdir()
    save_model(loaded, tmp_path / "again", "# card")
    assert score_window(load_model(tmp_path / "again", "cpu"), voice(5)) == score_window(loaded, voice(5))


@pytest.mark.parametrize("kind", HEADS)
def test_every_head_travels(tmp_path: Path, tiny_base: Base, kind: str) -> None:
    original = model_of(tiny_base, AdaptationSettings(kind))
    save_model(original, tmp_path, "# card")
    loaded = load_model(tmp_path, "cpu")
    fitted = "logistic" if kind == "known-emotions" else kind  # this base knows no emotion by its name
    assert (loaded.head.kind, loaded.head.scale) == (fitted, original.head.scale)
    assert score_window(loaded, voice(5)) == score_window(original, voice(5))


def test_a_projection_travels_and_only_what_has_one_needs_a_new_version(tmp_path: Path) -> None:
    base = Base("tiny", tiny_encoder(MeanFC), standardised=False, licence="none")
    versions = {}
    for trained in ("projection", "extractor"):
        original = model_of(base, AdaptationSettings(steps=2, learning_rate=1e-2, trained=trained))
        (folder := tmp_path / trained).mkdir()
        save_model(original, folder, "# card")
        loaded = load_model(folder, "cpu")
        assert score_window(loaded, voice(5)) == score_window(original, voice(5))
        assert (loaded.head.projection is not None) == (trained == "projection")
        versions[trained] = json.loads((folder / "config.json").read_text())["format_version"]
    assert versions == {"projection": 4, "extractor": 3}


@pytest.mark.parametrize("part", ["weight", "spread", "projection"])
def test_a_head_with_values_that_are_no_numbers_is_refused(tmp_path: Path, part: str) -> None:
    base = Base("tiny", tiny_encoder(MeanFC), standardised=False, licence="none")
    model = model_of(base, AdaptationSettings(steps=1, trained="projection"))
    broken = dataclasses.replace(model.head, **{part: getattr(model.head, part) * float("nan")})
    save_model(dataclasses.replace(model, head=broken), tmp_path, "# card")
    with pytest.raises(ModelFolderError, match="do not fit together"):
        load_model(tmp_path, "cpu")


def test_known_voices_travel_and_can_be_asked_for(tmp_path: Path, tiny_base: Base) -> None:
    original = model_of(tiny_base, AdaptationSettings("ridge", speaker_mean=True))
    save_model(original, tmp_path, "# card")
    loaded = load_model(tmp_path, "cpu")
    assert loaded.speakers is not None
    assert loaded.speakers.names == ("ann",)
    ours = loaded.for_speaker("ann")
    embedding = loaded.encoder.embed([loaded.encoder.front_end(voice(5))]).detach()
    moved = loaded.head.scores(loaded.speakers.subtract(embedding, ["ann"]))
    torch.testing.assert_close(torch.tensor(score_window(ours, voice(5))), moved[0])
    assert score_window(ours, voice(5)) != score_window(loaded, voice(5))
    with pytest.raises(ModelFolderError, match=r"knows no speaker 'eve'\. It knows ann"):
        loaded.for_speaker("eve")


def test_a_voice_is_found_however_its_name_is_typed(tiny_base: Base) -> None:
    model = model_of(tiny_base)
    size = tiny_base.encoder.embedding_size
    names = ("José María", "ann", "Ann")
    model = dataclasses.replace(model, speakers=SpeakerOffsets(names, torch.eye(3, size), torch.zeros(size)))
    for typed in ("José María", unicodedata.normalize("NFD", "José María"), " josé  MARÍA "):
        assert torch.equal(model.for_speaker(typed).head.centre, model.head.centre + torch.eye(3, size)[0])
    assert torch.equal(model.for_speaker("Ann").head.centre, model.head.centre + torch.eye(3, size)[2])
    with pytest.raises(ModelFolderError, match="knows no speaker 'ANN'"):  # it could be either
        model.for_speaker("ANN")


def test_a_model_without_voices_says_so(folder: Path) -> None:
    with pytest.raises(ModelFolderError, match="does not tell one speaker from another"):
        load_model(folder).for_speaker("ann")


def test_a_model_as_a_base_recommends_what_its_base_did(tmp_path: Path, tiny_base: Base) -> None:
    recommended = Recommended("lda", 3, 2e-5, head="lda", trained="norms")
    model = dataclasses.replace(model_of(tiny_base), recommended=recommended, cosine_scale=6.0)
    save_model(model, tmp_path, "# card")
    base = load_base(str(tmp_path))
    assert (base.recommended, base.cosine_scale) == (recommended, 6.0)


def test_a_model_as_a_base_knows_by_name_what_its_base_did(tmp_path: Path, tiny_base: Base) -> None:
    known = KnownEmotions(("anger", "sadness"), torch.eye(2, tiny_base.encoder.embedding_size))
    save_model(dataclasses.replace(model_of(tiny_base), emotions=known), tmp_path, "# card")
    emotions = load_base(str(tmp_path)).emotions
    assert emotions is not None
    assert emotions.names == known.names
    assert torch.equal(emotions.offsets, known.offsets)


def test_a_model_as_a_base_keeps_the_projection_that_was_tuned(tmp_path: Path) -> None:
    """Embeddings come projected, what is known by name too, so heads are those after the projection."""
    original = Base("tiny", tiny_encoder(MeanFC), standardised=False, licence="none")
    known = KnownEmotions(("anger", "sadness"), torch.eye(2, original.encoder.embedding_size))
    model = model_of(original, AdaptationSettings(steps=5, learning_rate=1e-2, trained="projection"))
    save_model(dataclasses.replace(model, emotions=known), tmp_path, "# card")
    base, projection = load_base(str(tmp_path)), model.head.projection
    assert projection is not None
    assert fingerprint(base.encoder) != fingerprint(original.encoder) == fingerprint(model.encoder)
    with torch.inference_mode():
        inputs = [clip for each in FOUR for clip in original.encoder.front_ends(each.windows)]
        before, after = original.encoder.embed(inputs), base.encoder.embed(inputs)
    torch.testing.assert_close(after, before @ projection, rtol=1e-4, atol=1e-5)
    names, labels = ("anger", "sadness"), torch.tensor([clip.label for clip in FOUR])
    kind, by_name = "known-emotions", known.of_labels(names)
    own = fit_head(kind, before, labels, 2, standardised=False, known=by_name, projection=projection)
    new = fit_head(kind, after, labels, 2, standardised=False, known=base.known_by_name(names))
    torch.testing.assert_close(new.logits(after), own.logits(before), rtol=1e-3, atol=1e-3)


def test_a_projection_that_the_encoder_cannot_take_along_is_not_dropped(tmp_path: Path) -> None:
    base = Base("tiny", tiny_encoder(GatedLinearUnit), standardised=False, licence="none")
    save_model(model_of(base, AdaptationSettings(steps=1, trained="projection")), tmp_path, "# card")
    with pytest.raises(BaseError, match=r"cannot be taken along.*Adapt from the base that it was made from, tiny\."):
        load_base(str(tmp_path))


def test_a_model_of_a_base_without_names_knows_none(folder: Path) -> None:
    assert load_base(str(folder)).emotions is None


def test_how_it_was_made_can_be_read_alone(folder: Path) -> None:
    assert read_origin(folder) == {"method": "disjoint", "steps": 1}


def test_an_empty_folder_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="holds no adapted model"):
        load_model(tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_that_is_not_there_is_refused_in_words(folder: Path) -> None:
    with pytest.raises(DeviceError, match="no CUDA"):
        load_model(folder, "cuda")
