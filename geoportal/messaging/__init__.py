"""Transport of device messages: topics, MQTT clients, batching, event streams. Imports no Django in topics.py."""
