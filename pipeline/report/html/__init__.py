"""The report of an output folder as one HTML file."""
