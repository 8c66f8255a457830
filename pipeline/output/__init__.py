"""Read and write the format of an output folder: names, schemas, markers and bytes. It imports only records."""
