"""One file, one state, one Lambda function, one role."""
