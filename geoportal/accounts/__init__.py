"""Accounts beyond Django's own: access tokens for programs, and brakes on guessing."""
