"""The HTML report: one self-contained page per release, built from its tables. Imported only when a report is written."""
