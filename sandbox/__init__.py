"""The sandbox provider: a payment provider to try the product against.

A process of its own with a store of its own. It imports nothing of the product and is imported by
nothing, so that what it says about money is independent of what the product believes. Layers: the
engine (what happens), the dialects (how it is said), the control plane (how faults are ordered).
"""
