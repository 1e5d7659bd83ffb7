"""Multi-gating with neural architecture search (Wang et al.): several frozen feature streams, weighted a language each.

ge2e.py     the speaker encoder that is the selector of the gates; packaging/convert_ge2e.py made its file
byola.py    a general audio embedding, for who has its weights; packaging/convert_byola.py makes its folder
streams.py  feature streams of one clip as one backbone
encoding.py f_i: from a stream to one vector
gates.py    the gates, the searched connections and the tower of one language
network.py  all of it as an extractor
loss.py     the contrastive auxiliary loss
"""
