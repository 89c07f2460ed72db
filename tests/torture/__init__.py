"""Documents that lie, documents that are damaged, runs that are disturbed: what the pipeline makes of each is measured here."""
