"""Every corpus whose file names tell: published names in a made-up folder, and what is read from them."""

from pathlib import Path

import numpy as np
import pytest

from engine.metalearning.corpora import CORPORA, EMOTIONS, read_corpus
from engine.metalearning.corpora.file_names import FILE_NAME_RULES
from tests.engine.metalearning.corpora.trees import make_tree

# corpus: {file: (emotion, speaker)}; a file that is no clip of the corpus has None
TREES: dict[str, dict[str, tuple[str | None, str | None] | None]] = {
    "crema-d": {
        "AudioWAV/1001_DFA_ANG_XX.wav": ("anger", "1001"),
        "AudioWAV/1001_IEO_DIS_HI.wav": ("disgust", "1001"),
        "AudioWAV/1002_IEO_FEA_LO.wav": ("fear", "1002"),
        "AudioWAV/1002_IEO_HAP_MD.wav": ("happiness", "1002"),
        "AudioWAV/1091_WSI_NEU_XX.wav": ("neutral", "1091"),
        "AudioWAV/1040_ITH_SAD_X.wav": ("sadness", "1040"),
        "AudioWAV/readme.wav": None,
    },
    "ravdess": {
        "Audio_Speech_Actors_01-24/Actor_01/03-01-01-01-01-01-01.wav": ("neutral", "01"),
        "Audio_Speech_Actors_01-24/Actor_01/03-01-02-01-01-01-01.wav": ("calm", "01"),
        "Audio_Speech_Actors_01-24/Actor_02/03-01-03-02-02-01-02.wav": ("happiness", "02"),
        "Audio_Speech_Actors_01-24/Actor_02/03-01-04-01-01-02-02.wav": ("sadness", "02"),
        "Audio_Speech_Actors_01-24/Actor_24/03-01-05-01-01-01-24.wav": ("anger", "24"),
        "Audio_Speech_Actors_01-24/Actor_24/03-01-06-01-01-01-24.wav": ("fear", "24"),
        "Audio_Speech_Actors_01-24/Actor_24/03-01-07-01-01-01-24.wav": ("disgust", "24"),
        "Audio_Speech_Actors_01-24/Actor_24/03-01-08-01-01-01-24.wav": ("surprise", "24"),
        "Audio_Song_Actors_01-24/Actor_24/03-02-05-01-01-01-24.wav": None,  # song
    },
    "banglaser": {
        "dataset/03-01-01-01-01-01-01.wav": ("happiness", "01"),
        "dataset/03-01-02-01-01-01-02.wav": ("sadness", "02"),
        "dataset/03-01-03-01-01-01-03.wav": ("anger", "03"),
        "dataset/03-01-04-02-01-01-34.wav": ("surprise", "34"),
        "dataset/03-01-05-01-03-03-34.wav": ("neutral", "34"),
    },
    "tess": {
        "OAF_angry/OAF_back_angry.wav": ("anger", "OA"),
        "OAF_disgust/OAF_back_disgust.wav": ("disgust", "OA"),
        "OAF_Fear/OAF_back_fear.wav": ("fear", "OA"),
        "OAF_happy/OAF_back_happy.wav": ("happiness", "OA"),
        "OAF_neutral/OA_bite_neutral.wav": ("neutral", "OA"),  # the one that is named otherwise
        "YAF_pleasant_surprised/YAF_back_ps.wav": ("surprise", "YA"),
        "YAF_sad/YAF_youth_sad.wav": ("sadness", "YA"),
    },
    "resd": {
        "happiness_enthusiasm_32/32_happiness_enthusiasm_h_120.wav": ("happiness", None),
        "happiness_enthusiasm_32/32_happiness_enthusiasm_e_010.wav": ("enthusiasm", None),
        "06_happiness_enthusiasm/06_happiness_enthusiasm e_060.wav": ("enthusiasm", None),
        "neutral_anger_44/44_neutral_anger_a_150.wav": ("anger", None),
        "neutral_anger_44/44_neutral_anger_n_150.wav": ("neutral", None),
        "sadness_disgust_16/16_sadness_disgust_d_060.wav": ("disgust", None),
        "sadness_disgust_16/16_sadness_disgust_s_060.wav": ("sadness", None),
        "anger_fear_42/42_anger_fear_f_120.wav": ("fear", None),
    },
    "shemo": {
        "male/M01A01.wav": ("anger", "M01"),
        "male/M01F01.wav": ("fear", "M01"),
        "male/M56H02.wav": ("happiness", "M56"),
        "female/F01N03.wav": ("neutral", "F01"),
        "female/F01S13.wav": ("sadness", "F01"),
        "female/F31W01.wav": ("surprise", "F31"),
    },
    "subesco": {
        "F_01_OISHI_S_1_ANGRY_1.wav": ("anger", "F_01"),
        "F_02_RABEYA_S_10_DISGUST_5.wav": ("disgust", "F_02"),
        "F_02_RABEYA_S_10_FEAR_5.wav": ("fear", "F_02"),
        "M_01_NIPUN_S_1_HAPPY_1.wav": ("happiness", "M_01"),
        "M_01_NIPUN_S_1_NEUTRAL_1.wav": ("neutral", "M_01"),
        "M_10_SHUVO_S_1_SAD_1.wav": ("sadness", "M_10"),
        "M_10_SHUVO_S_1_SURPRISE_1.wav": ("surprise", "M_10"),
    },
    "thorsten": {  # every sentence has the same file name in all folders
        "thorsten-emotional_v02/amused/a1b2.wav": ("amusement", "thorsten"),
        "thorsten-emotional_v02/angry/a1b2.wav": ("anger", "thorsten"),
        "thorsten-emotional_v02/disgusted/a1b2.wav": ("disgust", "thorsten"),
        "thorsten-emotional_v02/neutral/a1b2.wav": ("neutral", "thorsten"),
        "thorsten-emotional_v02/surprised/a1b2.wav": ("surprise", "thorsten"),
        "thorsten-emotional_v02/drunk/a1b2.wav": None,
        "thorsten-emotional_v02/sleepy/a1b2.wav": None,
        "thorsten-emotional_v02/whisper/a1b2.wav": None,
    },
    "aesi": {
        "anger/01.wav": ("anger", None),
        "fear/01.wav": ("fear", None),
        "joy/01.wav": ("happiness", None),
        "sadness/01.wav": ("sadness", None),
        "neutral/01.wav": ("neutral", None),
        "other/01.wav": None,
    },
    "emoro": {"Anger/01.wav": ("anger", None), "Happy/01.wav": ("happiness", None), "sad/01.wav": ("sadness", None)},
    "emodb": {
        "wav/03a01Wa.wav": ("anger", "03"),
        "wav/03b01Lb.wav": ("boredom", "03"),
        "wav/08a02Ea.wav": ("disgust", "08"),
        "wav/08a02Ab.wav": ("fear", "08"),
        "wav/16b10Fa.wav": ("happiness", "16"),
        "wav/16b10Td.wav": ("sadness", "16"),
        "wav/16b10Nc.wav": ("neutral", "16"),
    },
    "aesdd": {
        "anger/a01 (1).wav": ("anger", "1"),
        "disgust/d02 (2).wav": ("disgust", "2"),
        "fear/f20 (3).wav": ("fear", "3"),
        "happiness/h03 (3)b.wav": ("happiness", "3"),  # a second take
        "sadness/s05 (6).wav": ("sadness", "6"),
    },
    "nemo": {
        "samples/SM0_anger_77.wav": ("anger", "SM0"),
        "samples/SM0_fear_7.wav": ("fear", "SM0"),
        "samples/EB0_happiness_9.wav": ("happiness", "EB0"),
        "samples/EB0_neutral_50.wav": ("neutral", "EB0"),
        "samples/EB0_sadness_50.wav": ("sadness", "EB0"),
        "samples/EB0_surprised_54.wav": ("surprise", "EB0"),
    },
    "korean-emotiontts": {
        "Dataset/SpeechCorpus/Emotional/emotional-to-emotional/nea/wav/nea00001.wav": ("neutral", "nea"),
        "Dataset/SpeechCorpus/Emotional/emotional-to-emotional/nea/wav/nea00100.wav": ("neutral", "nea"),
        "Dataset/SpeechCorpus/Emotional/emotional-to-emotional/nea/wav/nea00101.wav": ("happiness", "nea"),
        "Dataset/SpeechCorpus/Emotional/plain-to-emotional/emh/wav/emh00300.wav": ("anger", "emh"),
        "Dataset/SpeechCorpus/Emotional/plain-to-emotional/emh/wav/emh00301.wav": ("sadness", "emh"),
    },
    "indian-emospeech-commands": {
        "House/help-safe-angry-20190714-0123456789abcdef.wav": ("anger", "0123456789ab"),
        "House/yes-scream-calm-20190714-0123456789abcdef.wav": ("calm", "0123456789ab"),
        "webservice/no-safe-fearful-??-ffffffffffff00.wav": ("fear", "ffffffffffff"),
        "Near Lake/bacho-unsafe-happy-1563-ffffffffffff00.wav": ("happiness", "ffffffffffff"),
    },
    "emovo": {
        "EMOVO/f1/dis-f1-b1.wav": ("disgust", "f1"),
        "EMOVO/f1/gio-f1-d1.wav": ("happiness", "f1"),
        "EMOVO/f2/neu-f2-l1.wav": ("neutral", "f2"),
        "EMOVO/m3/pau-m3-n5.wav": ("fear", "m3"),
        "EMOVO/m3/rab-m3-b3.wav": ("anger", "m3"),
        "EMOVO/m3/sor-m3-b3.wav": ("surprise", "m3"),
        "EMOVO/m3/tri-m3-b3.wav": ("sadness", "m3"),
    },
    "turev-db": {
        "Sound Source/Angry/1157_kz_acik.wav": ("anger", "1157"),
        "Sound Source/Calm/1234_sk_deyim.wav": ("calm", "1234"),
        "Sound Source/Happy/1234_sk_deyim.wav": ("happiness", "1234"),
        "Sound Source/Sad/1984_hl_zeytin.wav": ("sadness", "1984"),
    },
    "voxceleb2": {
        "dev/aac/id00012/21Uxsk56VDQ/00001.m4a": (None, "id00012"),
        "dev/aac/id00012/21Uxsk56VDQ/00002.m4a": (None, "id00012"),
        "test/aac/id00017/0y5hVWFjHHg/00001.m4a": (None, "id00017"),
    },
}


def test_every_rule_has_a_tree() -> None:
    assert set(TREES) == set(FILE_NAME_RULES)


@pytest.mark.parametrize("name", TREES)
def test_published_names_tell_emotion_and_speaker(name: str, tmp_path: Path) -> None:
    make_tree(tmp_path, TREES[name])

    corpus = read_corpus(name, tmp_path)

    read = {clip.path.relative_to(tmp_path).as_posix(): (clip.label, clip.speaker) for clip in corpus.clips}
    assert read == {file: said for file, said in TREES[name].items() if said is not None}
    assert {clip.duration_s for clip in corpus.clips} == {0.2}
    assert (corpus.name, corpus.language) == (name, CORPORA[name].language)


@pytest.mark.parametrize("name", [name for name in TREES if name != "voxceleb2"])
def test_every_emotion_of_a_table_is_in_the_vocabulary(name: str) -> None:
    table = FILE_NAME_RULES[name].labels
    assert table is not None
    assert set(table.values()) <= set(EMOTIONS)


def test_the_archive_of_tess_holds_everything_twice(tmp_path: Path) -> None:
    make_tree(tmp_path, ["TESS/OAF_angry/OAF_back_angry.wav", "TESS/tess/OAF_angry/OAF_back_angry.wav"])

    assert len(read_corpus("tess", tmp_path).clips) == 1


def test_opus_and_flac_copies_are_read_by_the_same_names(tmp_path: Path, write_wav) -> None:
    write_wav("03a01Wa.flac", np.zeros(3200, np.float32))
    write_wav("03a01Fa.opus", np.zeros(3200, np.float32))

    assert [clip.label for clip in read_corpus("emodb", tmp_path).clips] == ["happiness", "anger"]


def test_a_letter_that_no_table_has_is_counted_and_left_out(tmp_path: Path) -> None:
    make_tree(tmp_path, ["wav/03a01Wa.wav", "wav/03a01Xa.wav"])

    corpus = read_corpus("emodb", tmp_path)

    assert (len(corpus.clips), corpus.unlabelled) == (1, 1)
