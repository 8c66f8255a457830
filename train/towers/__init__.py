"""The model: audio and text towers, their features, tokens and published weights."""
