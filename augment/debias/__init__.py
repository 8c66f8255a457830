"""Replace words of gender in captions by neutral words. The entry is `augment.debias.rewrite.debias`."""
