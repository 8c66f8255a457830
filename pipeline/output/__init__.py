"""The format of an output folder: names, schemas, markers and bytes. It imports records alone."""
