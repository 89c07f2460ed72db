"""Tell people what a release changes: the news of a release, what was told already, and the services that are told."""
