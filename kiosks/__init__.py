"""Interactive totems: inventory, messages, agent and pages."""
