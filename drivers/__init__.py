"""How to talk to a machine: wires, frames, links and one driver per machine.

Knows nothing of orders, people or what a card is for.
"""
