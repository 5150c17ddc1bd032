"""Thematic styles: one small model, compiled to every renderer."""
