"""Data that others keep: databases attached, addresses harvested on a schedule, map services shown through us."""
