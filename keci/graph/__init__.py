"""A corpus-level graph of concepts out of the mentions and relations of many documents.

``nodes`` says what a mention denotes, ``counting`` fills a database with every relation as
evidence, ``edges`` sums it up, and ``kgx``, ``neo4j``, ``parquet`` and ``graphml`` write it.
"""
