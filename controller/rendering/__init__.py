"""Draws the faces of a card and makes its chip photo. It neither prints nor writes a chip."""
