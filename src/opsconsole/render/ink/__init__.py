"""Cells, charts and figures: what every line is drawn with."""
