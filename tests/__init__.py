"""The whole test suite; every file says in its test names what the product promises."""
