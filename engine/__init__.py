"""The science of SER Studio: few-shot speech emotion recognition, usable on its own.

    from engine.model_folder import load_model
    from engine.classification import classify_file

    model = load_model("my-exported-model")
    print(classify_file(model, "clip.wav").label)

The package knows nothing of projects, windows or terminals.
"""
