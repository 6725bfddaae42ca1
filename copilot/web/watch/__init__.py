"""What an operator of the server watches: health, metrics, logs and traces."""
