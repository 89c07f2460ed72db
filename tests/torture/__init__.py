"""Measurements of robustness: faulty documents, damaged documents, and disturbed runs."""
