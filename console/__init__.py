"""The private web pages for admins and billing operations, rendered on the server."""
