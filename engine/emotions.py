"""One English vocabulary of emotions for all corpora."""

from collections.abc import Mapping
from types import MappingProxyType

EMOTIONS = (
    "amusement",
    "anger",
    "boredom",
    "calm",
    "disgust",
    "enthusiasm",
    "fear",
    "frustration",
    "happiness",
    "neutral",
    "sadness",
    "surprise",
)

# Words that corpora use for folders, tables and manifests, in English and Italian.
WORDS: Mapping[str, str] = MappingProxyType(
    {
        **{emotion: emotion for emotion in EMOTIONS},
        "amused": "amusement",
        "angry": "anger",
        "bored": "boredom",
        "disgusted": "disgust",
        "disgusto": "disgust",
        "fearful": "fear",
        "gioia": "happiness",
        "happy": "happiness",
        "joy": "happiness",
        "neutro": "neutral",
        "paura": "fear",
        "positive": "happiness",  # DUSHA's word for it
        "rabbia": "anger",
        "sad": "sadness",
        "sorpresa": "surprise",
        "surprised": "surprise",
        "tristezza": "sadness",
    }
)


def emotion_of(word: str) -> str | None:
    """The emotion that a word of some corpus names, None for words that name none ("other", "sleepy")."""
    return WORDS.get(word.strip().lower())
