"""Figures, not tests: `make bench` prints them, and nothing fails because of them."""
