"""What a machine must do to work in a centre, as tables of checks that run on any open wire.

One table a machine, in its file; `check.py` runs them, `bench.py` speaks raw bytes, since a driver
forgives what a conforming machine never does. Production never comes here.
"""
