"""Recording -> FLAC: no Beam and no network here."""
