"""Functions from text to text: cleaning, templates, keywords to captions, the guard of these, and de-biasing."""
