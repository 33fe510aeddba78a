"""What both programs share: event records, the liveness lock, default paths, sd_notify."""
