"""Alerts: rules over what devices show, one life cycle, grouping of common causes, and delivery that loses nothing."""
