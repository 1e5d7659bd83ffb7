"""Readers of published speech corpora: the emotional ones, VoxCeleb2 and Common Voice. No torch here."""

from engine.emotions import EMOTIONS, emotion_of
from engine.metalearning.corpora.corpus import Corpus, CorpusClip
from engine.metalearning.corpora.reading import read_corpus
from engine.metalearning.corpora.registry import CORPORA, CorpusInfo, Task

__all__ = ["CORPORA", "EMOTIONS", "Corpus", "CorpusClip", "CorpusInfo", "Task", "emotion_of", "read_corpus"]
