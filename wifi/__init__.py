"""Public Wi-Fi: access points, their messages, agent and pages."""
