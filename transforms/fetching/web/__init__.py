"""HTTP: addresses, downloads, archives of one recording."""
