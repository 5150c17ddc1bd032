"""Our own checks of the abstract test suites, named by their identifiers; docs/conformance.md is their table."""
