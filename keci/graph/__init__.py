"""A corpus-level graph of concepts out of the mentions and relations of many documents.

``nodes`` says what a mention denotes, ``counting`` fills a database with every mention and relation
and sums it up, ``mapping`` has Biolink's names, ``rows`` and ``writers`` make files of it.
"""
