"""Notifications of what a release changes: its news, the record of what was sent, and the services."""
