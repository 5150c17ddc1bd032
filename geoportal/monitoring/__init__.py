"""What every monitored device has: identity, last status, health, alerts."""
