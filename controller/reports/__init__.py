"""Reports: where the programme stands, and how a shift, the quality, the stations and counties did.

One module a report finds its figures in the ledger's file; `pages/` lays them out in a language;
`html_page.py`, `spreadsheet.py` and the command line show a laid-out document. `schedule.py` has
the running centre write them by itself.
"""
