"""One English vocabulary of emotions for all corpora."""

import unicodedata
from collections.abc import Mapping, Sequence
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


# What linguists may call them, by nouns and adjectives of one word, in English, German, French, Spanish, Portuguese,
# Italian, Dutch, Polish, Turkish, Indonesian, Swahili, Russian, Chinese, Arabic and Hindi.
_IN_OTHER_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "anger": "rage furious wut ärger zorn wütend ärgerlich colère fâché fâchée ira enojo enfado enojado enojada "
        "enfadado enfadada raiva arrabbiato arrabbiata woede boosheid boos gniew złość öfke kızgınlık kızgın marah "
        "hasira гнев злость 愤怒 生气 غضب क्रोध गुस्सा",
        "boredom": "langeweile gelangweilt ennui aburrimiento aburrido aburrida tédio noia annoiato annoiata verveling "
        "verveeld nuda bosan скука 无聊 ملل",
        "calm": "calmness relaxed ruhe ruhig calme calma tranquilo tranquila kalm spokój spokojny spokojna sakin "
        "tenang utulivu спокойствие 平静 هدوء शांति",
        "disgust": "ekel dégoût asco nojo disgustato disgustata walging wstręt obrzydzenie tiksinme iğrenme jijik "
        "отвращение 厌恶 اشمئزاز घृणा",
        "fear": "afraid scared angst ängstlich furcht peur miedo medo spaventato spaventata strach korku takut hofu "
        "woga страх 恐惧 害怕 خوف डर भय",
        "happiness": "joyful cheerful freude fröhlich glücklich joie joyeux joyeuse heureux heureuse alegría alegre "
        "felicidad feliz alegria felicidade felicità felice vreugde blij radość szczęście mutluluk mutlu sevinç senang "
        "gembira bahagia furaha радость счастье 高兴 快乐 开心 فرح سعادة खुशी",
        "neutral": "neutre neutraal neutralny neutralna neutralne nötr netral нейтральный нейтрально 中性 محايد",
        "sadness": "sorrow grief unhappy trauer traurig traurigkeit tristesse triste tristeza verdriet verdrietig "
        "smutek smutny smutna üzüntü üzgün hüzün sedih huzuni грусть печаль 悲伤 难过 伤心 حزن दुख उदासी",
        "surprise": "überraschung überrascht surpris sorprendido sorprendida surpresa sorpreso verrassing verrast "
        "zaskoczenie şaşkınlık terkejut kaget mshangao удивление 惊讶 吃惊 مفاجأة دهشة आश्चर्य",
    }
)


def emotion_of(word: str) -> str | None:
    """The emotion that a word names, whatever its case and accents, None for words that name none ("other", "sleepy").

    The word is some corpus's, or a user's label.
    """
    return _EMOTION_OF.get(_plain(word))


def places_of(labels: Sequence[str], emotions: Sequence[str]) -> dict[int, int]:
    """Which of `emotions` a label names, by its number: for those of `labels` that name one, by their numbers.

    None does where fewer than two different emotions are named: nothing can be told apart by its name then.
    """
    named = [emotion_of(label) for label in labels]
    places = {number: emotions.index(emotion) for number, emotion in enumerate(named) if emotion in emotions}
    return places if len(set(places.values())) > 1 else {}


def _plain(word: str) -> str:
    """A word without case and accents: they are often left out, and typed in more than one way."""
    letters = unicodedata.normalize("NFKD", word.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


_EMOTION_OF: Mapping[str, str] = MappingProxyType(
    {
        **{_plain(word): emotion for word, emotion in WORDS.items()},
        **{_plain(word): emotion for emotion, words in _IN_OTHER_WORDS.items() for word in words.split()},
    }
)
