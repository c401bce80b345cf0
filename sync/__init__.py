"""The use cases over ports: take in, refresh, evaluate, deliver, confirm, reconcile, backfill."""
