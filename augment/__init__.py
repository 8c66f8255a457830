"""Text in, text out: cleaning, templates, keyword to caption, its guard, and de-biasing. No Beam, no audio."""
