"""Settings, secrets and connections from files and the environment."""
