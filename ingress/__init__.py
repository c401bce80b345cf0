"""The public HTTP edge: verify, store, answer. Nothing else."""
