"""Where the concepts of a vocabulary are at home on the web."""

from urllib.parse import quote

_PAGES = {
    "CHEBI": "https://www.ebi.ac.uk/chebi/searchId.do?chebiId=CHEBI:{}",
    "CL": "http://purl.obolibrary.org/obo/CL_{}",
    "CVCL": "https://www.cellosaurus.org/CVCL_{}",
    "DOID": "https://disease-ontology.org/?id=DOID:{}",
    "EC": "https://www.enzyme-database.org/query.php?ec={}",
    "EFO": "http://www.ebi.ac.uk/efo/EFO_{}",
    "FPLX": "https://identifiers.org/fplx:{}",
    "GO": "https://amigo.geneontology.org/amigo/term/GO:{}",
    "HGNC": "https://www.genenames.org/data/gene-symbol-report/#!/hgnc_id/HGNC:{}",
    "HP": "https://hpo.jax.org/browse/term/HP:{}",
    "MESH": "https://meshb.nlm.nih.gov/record/ui?ui={}",
    "MGI": "https://www.informatics.jax.org/marker/MGI:{}",
    "MIRBASE": "https://www.mirbase.org/hairpin/{}",
    "MONDO": "https://monarchinitiative.org/MONDO:{}",
    "NCBIGENE": "https://www.ncbi.nlm.nih.gov/gene/{}",
    "RGD": "https://rgd.mcw.edu/rgdweb/report/gene/main.html?id={}",
    "UBERON": "http://purl.obolibrary.org/obo/UBERON_{}",
    "UMLS": "https://uts.nlm.nih.gov/uts/umls/concept/{}",
    "UNII": "https://precision.fda.gov/uniisearch/srs/unii/{}",
    "UNIPROT": "https://www.uniprot.org/uniprotkb/{}/entry",
}


def home_page(concept_id: str) -> str | None:
    """The address of a concept's page, None where its vocabulary is not known.

    >>> home_page("MESH:D001241")
    'https://meshb.nlm.nih.gov/record/ui?ui=D001241'
    """
    vocabulary, _, local = concept_id.partition(":")
    page = _PAGES.get(vocabulary)
    return page.format(quote(local, safe="")) if page and local else None
