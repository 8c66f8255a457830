"""Clip -> recording: how audio is got."""
