from pathlib import Path

import pytest
import torch
from transformers import Wav2Vec2ForCTC

from engine.encoder import build_backbone
from engine.extractors import pool_pairs
from engine.specaugment import SpecAugment
from engine.systems.multigate.shapes import Reading, read_steps
from engine.systems.multigate.streams import EncoderStream, MfccStream, StreamsBackbone, open_stream
from tests.engine.conftest import voice, wav2vec2_config

DURATIONS = (0.5, 0.81, 1.93)  # even and odd numbers of 10 ms


def inputs_of(backbone: StreamsBackbone) -> list[torch.Tensor]:
    return [backbone.front_end(torch.from_numpy(voice(n, s))) for n, s in enumerate(DURATIONS)]


def test_all_streams_lie_side_by_side_in_frames_of_20_ms(streams: StreamsBackbone) -> None:
    inputs = inputs_of(streams)
    assert [tuple(each.shape) for each in inputs] == [(160, 50), (160, 81), (160, 193)]
    frames = streams.encode(inputs)
    assert frames.hidden.shape == (1, 3, 97, 80 + 64 + 256)
    assert frames.lengths.tolist() == [25, 41, 97]
    assert streams.depth == 0
    assert not any(parameter.requires_grad for parameter in streams.parameters())
    with pytest.raises(IndexError):
        streams.run_layer(0, frames.hidden[0], None)


def test_a_clips_frames_do_not_depend_on_its_batch(streams: StreamsBackbone) -> None:
    inputs = inputs_of(streams)
    together = streams.encode(inputs)
    for row, each in enumerate(inputs):
        alone = streams.encode([each])
        length = int(alone.lengths[0])
        torch.testing.assert_close(together.hidden[:, row, :length], alone.hidden[:, 0], atol=2e-5, rtol=1e-4)


def test_mfccs_and_voice_come_out_of_the_frames_as_they_went_in(streams: StreamsBackbone) -> None:
    inputs = inputs_of(streams)
    frames = streams.encode(inputs)
    own = type(frames)(frames.hidden[..., :80], frames.lengths)
    steps, mask = read_steps(own, Reading.STACKED)
    for row, each in enumerate(inputs):
        found = steps[row][mask[row]]
        torch.testing.assert_close(found[: each.shape[1]], each[:40].T, rtol=0, atol=0)
        assert len(found) - each.shape[1] in (0, 1)
    speaker = streams.members[2].encode([each[-40:] for each in inputs])
    vector, _ = read_steps(type(frames)(frames.hidden[..., -256:], frames.lengths), Reading.VECTOR)
    torch.testing.assert_close(vector, speaker, rtol=0, atol=0)


def test_what_is_kept_of_a_stream_alone_is_what_is_read_of_all(streams: StreamsBackbone) -> None:
    samples = torch.from_numpy(voice(5, 0.83))
    whole = streams.encode([streams.front_end(samples)])
    start = 0
    for stream in streams.members:
        alone = stream.alone()
        values, _ = stream.read(alone.encode([alone.front_end(samples)]))
        own = type(whole)(whole.hidden[..., start : start + stream.size], whole.lengths)
        torch.testing.assert_close(values, read_steps(own, stream.reading)[0], atol=1e-5, rtol=1e-5)
        start += stream.size


def test_masks_change_the_frames_and_lower_is_what_adapting_keeps(streams: StreamsBackbone) -> None:
    inputs = inputs_of(streams)
    masked = streams.encode(inputs, SpecAugment(), torch.Generator().manual_seed(0))
    plain = streams.encode(inputs)
    assert not torch.allclose(masked.hidden, plain.hidden)
    again = streams.upper(streams.lower(inputs, None, 0), 0)
    torch.testing.assert_close(again.hidden * again.mask[..., None], plain.hidden * plain.mask[..., None])


def test_its_specification_makes_it_again(streams: StreamsBackbone) -> None:
    again = build_backbone(streams.specification())
    assert isinstance(again, StreamsBackbone)
    again.load_state_dict(streams.state_dict())
    inputs = inputs_of(streams)
    torch.testing.assert_close(again.encode(inputs).hidden, streams.encode(inputs).hidden, rtol=0, atol=0)
    with pytest.raises(ValueError, match="unknown stream kind"):
        build_backbone({"kind": "streams", "streams": [{"kind": "smell"}]})


def test_a_model_of_the_wav2vec_family_can_be_a_stream(wav2vec2_folder: Path) -> None:
    stream, _ = open_stream(f"hf:{wav2vec2_folder}@3")
    backbone = StreamsBackbone([MfccStream(), stream])
    samples = torch.from_numpy(voice(0, 0.81))
    inputs = backbone.front_end(samples)
    assert inputs.shape == (40 + 16, 81)
    frames = backbone.encode([inputs])
    assert frames.hidden.shape == (1, 1, 41, 80 + 32)
    assert isinstance(stream, EncoderStream)
    assert stream.name == f"{wav2vec2_folder.name}@3", "without the user's path"
    alone = stream.backbone.encode([stream.backbone.front_end(samples)])
    assert stream.backbone.read_layers == (3,)
    assert abs(alone.hidden.shape[2] - 41) <= 1
    again = build_backbone(backbone.specification())
    again.load_state_dict(backbone.state_dict())
    torch.testing.assert_close(again.eval().encode([inputs]).hidden, frames.hidden)


def test_a_recogniser_of_phones_is_a_stream_without_its_last_layer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    recogniser = Wav2Vec2ForCTC(wav2vec2_config(vocab_size=11)).eval()
    recogniser.save_pretrained(tmp_path / "phones")
    capfd.readouterr()
    stream, _ = open_stream(f"hf:{tmp_path / 'phones'}")
    assert isinstance(stream, EncoderStream)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")
    assert stream.size == 32
    assert not any("lm_head" in name for name, _ in stream.named_parameters())
    samples = torch.from_numpy(voice(0, 0.8))
    expected = recogniser.wav2vec2(((samples - samples.mean()) / (samples.var(correction=0) + 1e-7).sqrt())[None])
    found = stream.backbone.encode([stream.backbone.front_end(samples)]).hidden[0]
    torch.testing.assert_close(found, expected.last_hidden_state, atol=1e-4, rtol=1e-3)


def test_the_compact_stream_has_both_layers(streams: StreamsBackbone) -> None:
    stream = streams.members[1]
    alone = stream.alone()
    frames = alone.encode([alone.front_end(torch.from_numpy(voice(1, 0.7)))])
    values, mask = pool_pairs(frames)
    assert values.shape == (1, 18, 64)
    assert bool(mask.all())
