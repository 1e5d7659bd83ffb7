"""The store: bases that were downloaded or added, each a folder of its own, so that they are chosen by name.

A stored base is whole or not there: it is made under a hidden name and renamed. Its folder holds the model's files
as published (safetensors; pickled weights are rewritten), `store.json` (where it comes from, on which terms) and
SHA256SUMS. Nothing here but `fetch` uses the network, and that runs in a process of its own.

This package is light: torch is loaded only where weights are converted or tried, in other processes or late.
"""

from engine.store.catalogue import Offer, OfferedFile, not_here, offer_called, offers
from engine.store.location import installed_names, store_root, stored_folder
from engine.store.record import Record, read_record

__all__ = [
    "Offer",
    "OfferedFile",
    "Record",
    "installed_names",
    "not_here",
    "offer_called",
    "offers",
    "read_record",
    "store_root",
    "stored_folder",
]
