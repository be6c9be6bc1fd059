"""What was promised and what happened: packages, orders, routes, cards, ledger, judgement.

Pure, except `jobs.ledger` and the package reader. It knows no machine and no wire.
"""
