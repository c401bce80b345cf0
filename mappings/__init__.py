"""Everything an admin may change, and the code that checks, explains and plans it."""
