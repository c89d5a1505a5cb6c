"""Signing in: what django-allauth asks of us, and the pages that stand before the others."""
