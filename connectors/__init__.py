"""One folder per vendor, and the kit that they share."""
