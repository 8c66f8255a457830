"""Freesound's API."""
