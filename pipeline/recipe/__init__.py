"""Recipes: what they may say, what is wrong with them in words, and how they are written."""
