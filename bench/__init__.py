"""Figures that anyone can repeat; each file is named after what it measures."""
