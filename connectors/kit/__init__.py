"""What every connector needs: HTTP, tokens, limits, redaction, registry."""
