"""How each report is laid out, in the language of its words. No figure is worked out here."""
