"""From generated particles to jets, substructure and jet images: shared by topmass and toptag.

``particles`` (what reaches the detector) → ``detector`` (tracks, calorimeter cells, energy flow) →
``clustering`` (anti-kt jets and their constituents) → ``substructure`` and ``images``. Everything
works on flat numpy arrays over all events of a batch.
"""
