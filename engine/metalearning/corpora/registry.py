"""The corpora that can be read: those of the main paper's section 4.1 and Table 3, and seven more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from engine.metalearning.corpora.common_voice import find_common_voice
from engine.metalearning.corpora.corpus import Findings
from engine.metalearning.corpora.dusha import find_dusha
from engine.metalearning.corpora.file_names import FILE_NAME_RULES
from engine.metalearning.corpora.iemocap import find_iemocap
from engine.metalearning.corpora.meld import find_meld


class Task(StrEnum):
    """What a corpus can teach (main paper, section 4.1)."""

    EMOTION = "emotion"
    SPEAKER = "speaker"
    ACCENT = "accent"


@dataclass(frozen=True)
class CorpusInfo:
    """A corpus and how it is found.

    language: BCP 47. layout: what its published folder looks like, in words for a message. licence: as stated by its
    source. find: recognises the clips in a folder.
    """

    name: str
    title: str
    language: str
    task: Task
    licence: str
    source: str
    layout: str
    find: Callable[[Path], Findings]


def _named(
    name: str, title: str, language: str, licence: str, source: str, layout: str, task: Task = Task.EMOTION
) -> CorpusInfo:
    return CorpusInfo(name, title, language, task, licence, source, layout, FILE_NAME_RULES[name].find)


_UNKNOWN_LAYOUT = (
    "folders named after emotions (anger/..., joy/...), or a manifest.csv with the columns file,label,speaker; its own "
    "layout is not public"
)

_ALL = (
    _named("crema-d", "CREMA-D", "en", "ODbL 1.0", "Cao et al. 2014", "AudioWAV/1001_DFA_ANG_XX.wav"),
    CorpusInfo(
        "iemocap", "IEMOCAP", "en", Task.EMOTION, "own licence, research only", "Busso et al. 2008",
        "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt and "
        "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav",
        find_iemocap,
    ),
    CorpusInfo(
        "meld", "MELD", "en", Task.EMOTION, "GPL 3.0 (annotations; the sound is a television series')",
        "Poria et al. 2019", "train_sent_emo.csv and train_splits/dia0_utt0.mp4", find_meld,
    ),
    _named(
        "ravdess", "RAVDESS", "en", "CC BY-NC-SA 4.0", "Livingstone and Russo 2018",
        "Actor_01/03-01-06-01-02-01-01.wav",
    ),
    _named(
        "tess", "TESS", "en", "CC BY-NC-ND 4.0", "Pichora-Fuller and Dupuis 2020", "OAF_angry/OAF_back_angry.wav"
    ),
    CorpusInfo(
        "dusha", "DUSHA", "ru", Task.EMOTION, "own public licence (attribution, share alike)",
        "Kondratenko et al. 2022", "crowd_train/raw_crowd_train.tsv and crowd_train/wavs/HASH.wav", find_dusha,
    ),
    _named(
        "resd", "RESD", "ru", "MIT", "Amentes, Lubenets and Davidchuk 2022",
        "happiness_enthusiasm_32/32_happiness_enthusiasm_h_120.wav",
    ),
    _named("shemo", "ShEMO", "fa", "none stated", "Mohamad Nezami et al. 2019", "male/M01A01.wav"),
    _named("subesco", "SUBESCO", "bn", "CC BY 4.0", "Sultana et al. 2021", "F_01_OISHI_S_1_ANGRY_1.wav"),
    _named(
        "thorsten", "Thorsten-21.06-emotional", "de", "CC0", "Müller and Kreutz 2021",
        "thorsten-emotional_v02/angry/HASH.wav (drunk, sleepy and whisper are no emotions)",
    ),
    _named("aesi", "AESI", "el", "on request", "Chaspari et al. 2015", _UNKNOWN_LAYOUT),
    _named("emodb", "EmoDB", "de", "none stated", "Burkhardt et al. 2005", "wav/03a01Fa.wav"),
    _named("aesdd", "AESDD", "el", "CC BY 4.0", "Vryzas et al. 2018", "anger/a01 (1).wav"),
    _named("emoro", "EmoRO", "ro", "on request", "Marghescu et al. 2023", _UNKNOWN_LAYOUT),
    _named("nemo", "nEMO", "pl", "CC BY-NC-SA 4.0", "Christop 2024", "samples/SM0_anger_77.wav"),
    _named("banglaser", "BanglaSER", "bn", "CC BY 4.0", "Das et al. 2022", "03-01-01-01-01-01-01.wav"),
    _named(
        "korean-emotiontts", "Korean emotional TTS corpus", "ko", "CC BY-NC-SA 4.0, research", "KETI",
        "Dataset/SpeechCorpus/Emotional/emotional-to-emotional/nea/wav/nea00001.wav",
    ),
    _named(
        "indian-emospeech-commands", "Indian EmoSpeech Command Dataset", "hi", "CC BY-NC-SA 4.0",
        "Banga et al. 2019", "House/help-safe-angry-20190714-HASH.wav",
    ),
    _named("emovo", "EMOVO", "it", "none stated; others list CC BY-NC-SA 4.0", "Costantini et al. 2014",
           "EMOVO/f1/dis-f1-b1.wav"),
    _named("turev-db", "TurEV-DB", "tr", "CC BY-NC-ND 4.0", "Canpolat et al. 2020", "Angry/1157_kz_acik.wav"),
    _named(
        "voxceleb2", "VoxCeleb2", "mul", "CC BY 4.0 (annotations)", "Chung et al. 2018",
        "dev/aac/id00012/VIDEO/00001.m4a", Task.SPEAKER,
    ),
    CorpusInfo(
        "common-voice", "Common Voice", "mul", Task.ACCENT, "CC0", "Ardila et al. 2020",
        "cv-corpus-17.0/ro/validated.tsv and cv-corpus-17.0/ro/clips/common_voice_ro_1.mp3", find_common_voice,
    ),
)  # fmt: skip

CORPORA: Mapping[str, CorpusInfo] = MappingProxyType({info.name: info for info in _ALL})
