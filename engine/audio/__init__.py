"""Sound in: decode files, capture a microphone, resample, log-mel."""
