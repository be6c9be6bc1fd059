"""What a person may set: frozen models, the loader, and the shipped TOML files.

Imports nothing of ours. It does not open wires, start anything or know a card.
"""
