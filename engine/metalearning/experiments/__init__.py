"""The main paper's tables 4 to 10, each made again from a recipe and the corpora that are at hand."""
