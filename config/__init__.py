"""Units and the typed shape of the configuration file. The ground floor: it imports nothing of ours."""
