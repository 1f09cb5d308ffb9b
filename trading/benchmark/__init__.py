"""Measurements of the exchange on stores and a database of their own."""
