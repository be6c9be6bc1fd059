"""Machines made of software at the far end of a wire, and the physical floor they stand on.

Nothing here is imported by drivers or jobs; only the controller's assembly reaches it.
"""
