"""The sections of the page, one module each, in the order they are read."""
