"""Use cases over ports: intake, refresh, evaluate, deliver, confirm, reconcile, backfill.

No vendor names, no SQL, no HTTP.
"""
