"""Realistic accounting exports of any size, and what the auditor costs on them."""
