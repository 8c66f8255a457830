"""Clip -> clip: the steps of a plan."""
