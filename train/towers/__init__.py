"""The model: audio and text towers, their inputs, and pretrained weights."""
