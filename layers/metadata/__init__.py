"""What is said of a layer: code lists, how complete it is, and the documents that say it (ISO 19139, DCAT-AP_IT)."""
