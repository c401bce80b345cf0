"""Fake vendors over the wire: stateful, with one shared clock and faults on a dial.

Nothing here imports the product, and the product imports nothing from here: a misreading
of a vendor's document must not be shared by both sides.
"""
