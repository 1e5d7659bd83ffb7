"""The published alternatives to the main paper's system: one folder each, that reads like its paper.

All are an `EmotionEncoder` and a `Head` like the main method's, so whatever takes a model takes theirs. A folder has

    network.py      the network, with the numbers of the paper's equations
    adapt.py        from labelled clips to a model: what `--method` of that name does
    recipe.py       what a recipe of that kind may say
    train.py        from corpora to the base that adapting starts from: `serstudio metatrain`
    experiment.py   the paper's tables: `serstudio experiment`
"""
