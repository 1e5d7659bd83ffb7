"""What the methods of adaptation are called and what they do, in words: for menus, lists and model cards."""

from collections.abc import Sequence

from engine.choices import SYSTEMS, TUNING_METHODS
from engine.systems.catalogue import CATALOGUE
from serstudio.wording import listed

LAST_LAYER = "linear"  # the head of a published alternative

METHOD_TITLES = {
    "disjoint": "Tune: disjoint split",
    "pmf": "Tune: PMF, one set for both roles",
    "prototypes": "Prototypes, no tuning",
    "logistic": "Logistic regression, no tuning",
    "ridge": "Ridge regression, no tuning",
    "lda": "Linear discriminant, no tuning",
    "known-emotions": "Known emotions, no tuning",
    **{name: system.title for name, system in CATALOGUE.items()},
}
METHOD_SUMMARIES = {
    "disjoint": "Tunes the model: in every step some clips teach and others test.",
    "pmf": "Tunes the model: the same clips teach and test.",
    "prototypes": "Leaves the model as it is, and takes the label whose clips are nearest on average.",
    "logistic": "Leaves the model as it is, and draws the lines between the labels by logistic regression.",
    "ridge": "Leaves the model as it is, and draws the lines between the labels by ridge regression.",
    "lda": "Leaves the model as it is, and draws the lines where clips of one label spread alike.",
    "known-emotions": "Leaves the model as it is; labels called anger, joy and so on begin with what it knows of them.",
    **{name: system.summary for name, system in CATALOGUE.items()},
}
METHOD_SOURCES = {
    "disjoint": "Ion et al. 2024, arXiv:2410.04633",
    "pmf": "Hu et al. 2022, CVPR",
    "prototypes": "Snell et al. 2017, NeurIPS",
    "logistic": "Textbook method",
    "ridge": "Textbook method",
    "lda": "Fisher 1936",
    "known-emotions": "Kuzborskij and Orabona 2013, ICML",
    **{name: system.source for name, system in CATALOGUE.items()},
}
HEAD_TITLES = {
    "prototypes": "Prototypes",
    "logistic": "Logistic regression",
    "ridge": "Ridge regression",
    "lda": "Linear discriminant",
    "known-emotions": "Known emotions",
    LAST_LAYER: "Its own last layer",
}
TRAINED_TITLES = {
    "all": "Everything",
    "lora": "Low-rank additions (LoRA)",
    "norms": "Layer norms only",
    "top-4": "Four highest layers",
    "top-4-norms": "Layer norms of the four highest",
    "top-1": "Highest layer",
    "extractor": "Extractor only",
    "projection": "Projection only",
}
TRAINED_SENTENCES = {
    "all": "Every weight. It can learn the most, and wants the most time and memory.",
    "lora": "A few added numbers beside each layer, merged in afterwards. About half the memory of tuning everything.",
    "norms": "Only the scale and shift of each layer. Quick, little can go wrong, and a version stays tiny.",
    "top-4": "The four highest layers that are read; what lies below them is computed once.",
    "top-4-norms": "Only the scale and shift of the four highest layers. Quicker than all layer norms.",
    "top-1": "The highest layer that is read; what lies below it is computed once.",
    "extractor": "Only what sums a clip up. The layers are computed once, so this is quick.",
    "projection": "Only a linear map of what sums a clip up, which starts as no change. The quickest of all.",
}
HEAD_SENTENCES = {
    "prototypes": "cosine prototypes: the nearest mean embedding of a label (Snell et al. 2017)",
    "logistic": "multinomial logistic regression with an L2 penalty, every label weighing the same",
    "ridge": "ridge regression to the labels, every label weighing the same",
    "lda": "linear discriminant analysis with a shrunk common covariance",
    "known-emotions": "multinomial logistic regression, its weights drawn to what the base knows of emotions with the "
    "labels' names, as far as the labelled clips bear that out (Kuzborskij and Orabona 2013)",
    LAST_LAYER: "the last layer of the network, trained together with the rest of it",
}
METHOD_SENTENCES = {
    "disjoint": "fine-tuned with SpecAugment on a fresh disjoint support/query split in every step "
    "(Ion et al. 2024, arXiv:2410.04633, section 3.4)",
    "pmf": "fine-tuned with SpecAugment, the labelled clips being support and query at once (P>M>F, Hu et al. 2022)",
    **{name: f"{system.title}, a network of its own ({system.source})" for name, system in CATALOGUE.items()},
}
UNTUNED_SENTENCE = "the encoder is the base's own; only the head was fitted to the labelled clips"


def known_words(labels: Sequence[str], known: Sequence[str]) -> str:
    """Where a model of `labels` begins, of which `known` are known by their names; "" where none is."""
    if not known:
        return ""
    others = [label for label in labels if label not in known]
    rest = f" Learnt from your clips alone: {', '.join(others)}." if others else ""
    return f"It begins with what other languages have taught it of {listed(known)}.{rest}"


def method_title(method: str) -> str:
    """Of a menu; an unknown one, of a newer version, is its own."""
    return METHOD_TITLES.get(method, method)


def method_sentence(method: str) -> str:
    """What `method` did to the encoder."""
    return METHOD_SENTENCES.get(method, UNTUNED_SENTENCE)


def is_tuning(method: str) -> bool:
    """Whether `method` trains a network, so that steps and a learning rate mean something."""
    return method in TUNING_METHODS or method in SYSTEMS
