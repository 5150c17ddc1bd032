"""Pages and API of the relations between layers."""
