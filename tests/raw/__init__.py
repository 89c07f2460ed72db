"""Tests of orchestration.raw."""
