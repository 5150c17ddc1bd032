"""Files brought through the web: kept aside, looked at, shown to the person, then imported whole or not at all."""
