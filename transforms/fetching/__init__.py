"""Get the recording of a clip: from the user's own files, from the package, or over HTTP."""
