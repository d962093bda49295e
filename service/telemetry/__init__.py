"""What operators see: one record a request, in the log, the metrics and the traces."""
