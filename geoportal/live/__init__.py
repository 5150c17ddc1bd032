"""The live stream: changes of devices, from the database's notifications to every open browser."""
