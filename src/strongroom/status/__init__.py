"""What a machine or a person may know of the server without signing in."""
