"""Take what was rendered to people: files and mail."""
