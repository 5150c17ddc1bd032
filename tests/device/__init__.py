"""The device client, the agents and the simulator."""
