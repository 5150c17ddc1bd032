"""Asking devices to do something: one service behind the technicians' pages, the API and manage.py."""
