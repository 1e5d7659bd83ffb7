"""The model card: the README.md that travels with a model."""

from engine.choices import TUNING_METHODS
from engine.model_folder import AdaptedModel
from serstudio.licence_words import terms_of
from serstudio.method_words import HEAD_SENTENCES, LAST_LAYER, method_sentence


def model_card(model: AdaptedModel) -> str:
    """Markdown. What a colleague must know to use the model and to judge it."""
    origin = model.origin
    rows = "\n".join(f"| {_cell(x.symbol)} {_cell(x.name)} | {x.clips} | {x.speakers or '?'} |" for x in model.labels)
    adam = " of Adam" if origin["method"] in TUNING_METHODS else ""
    steps = f", {origin['steps']} steps{adam} at {origin['learning_rate']:g}" if origin["steps"] else ""
    trained = f"; trained: {origin['trained']}" if origin["steps"] else ""
    unnamed = "" if origin["speakers"] else "\nNo speakers were named, so nothing is known of new speakers.\n"
    return f"""# Speech emotion model: {model.language or "language not given"}

A few-shot speech emotion model, adapted from a handful of labelled clips of the project
"{origin["project"]}".

| label | clips | speakers |
|---|---|---|
{rows}

{sum(x.clips for x in model.labels)} clips by {origin["speakers"] or "an unknown number of"} speakers in all.
{unnamed}
## What you may do with it

{_terms(model)}

## How it was made

{base_line(model.base)}
- Adaptation: {origin["method"]}: {method_sentence(origin["method"])}{steps}{trained}, seed {origin["seed"]}.
- Head: {model.head.kind}: {HEAD_SENTENCES[model.head.kind]}.{_known(model)}{_voices(model)}
- Made with {origin["made_with"]} on {origin["machine"]}, {origin["made_at"]}.

## How to use it

    serstudio classify THIS_FOLDER clip.wav
    serstudio live THIS_FOLDER

or in Python:

    from engine.model_folder import load_model
    from engine.classification import classify_file

    print(classify_file(load_model("THIS_FOLDER"), "clip.wav"))

Audio of any common format is taken, at 16 kHz mono inside; a clip longer than 9.375 s is split into windows,
whose scores are averaged by duration.

## What it cannot do

- It knows only the labels above: every sound gets one of them, also a cough or another emotion.
- It was made from few clips. Expect it to do worse on speakers, microphones and rooms that were not among them.
- {_score_words(model)}
- It tells how a clip sounds, not what a person feels. Do not use it to judge people.
"""


def base_line(base: str) -> str:
    """The line of a card that names the base."""
    return f"- Base: {base}."


def _terms(model: AdaptedModel) -> str:
    terms = terms_of(model.base_licence)
    points = "\n".join(f"- {point}" for point in terms.points)
    return f"""**{terms.headline}.** The model contains the weights of its base, and the terms of these go with it.

{points}

That is the gist; what decides is the licence of the base: {model.base_licence.rstrip(".") or "not stated"}."""


def _known(model: AdaptedModel) -> str:
    known = model.origin.get("known_labels")
    return f" Known by name: {', '.join(_cell(name) for name in known)}." if known else ""


def _voices(model: AdaptedModel) -> str:
    if model.speakers is None:
        return ""
    names = ", ".join(_cell(name) for name in model.speakers.names) or "nobody"
    return (
        f"\n- Voices: the mean embedding of each of these speakers was taken away and is kept in the model, under "
        f"the speaker's name: {names}. Clips of theirs are classified with --speaker NAME; other voices are left alone."
    )


def _score_words(model: AdaptedModel) -> str:
    if model.head.kind == "prototypes":
        return "The scores are relative: they compare the labels with each other and are not calibrated probabilities."
    if model.head.kind == LAST_LAYER:
        return "The scores are those of the network's last layer: they are not calibrated, and tend to be too sure."
    return (
        "The scores compare the labels with each other. How sure they are was set on clips left out of the labelled "
        "ones: it holds for such clips, and less for other voices and rooms."
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
