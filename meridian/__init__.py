"""What stands behind the command line; nothing here runs in Lambda."""
