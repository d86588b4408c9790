"""Extractions for the eye: one self-contained HTML page, a notebook's cell, a report of a run.

``page`` renders what ``page_data`` gathers; ``comparison`` sets predictions beside gold data,
``corpus_graph`` draws the strongest triples, ``run_report`` the epochs of a training run.
"""
