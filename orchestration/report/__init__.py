"""The report: one self-contained page a release, made from its own tables. Nothing here is imported before it is written."""
