"""The contract `cremona/v1` for makers of devices: JSON Schemas made from the parsers, and an AsyncAPI document."""
