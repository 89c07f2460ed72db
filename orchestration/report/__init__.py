"""The report: one self-contained page a release, made from that release's own tables. Nothing here is imported before it is written."""
