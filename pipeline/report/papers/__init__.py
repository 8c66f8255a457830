"""The papers of a set: its card, who made the recordings, Croissant, and the summary of training content that the AI Act asks for."""
