"""What is validated: one declaration a file, nothing that runs on import."""
