"""Run Beam pipelines: on this machine, or on another of Beam's runners."""
