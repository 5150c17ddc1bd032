"""The services asked what nobody would ask: requests made at random from the services' own OpenAPI document."""
