"""What is true about an account and what follows from it.

Pure: frozen values and functions, no I/O, no clock, no vendor words.
"""
