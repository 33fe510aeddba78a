"""The totals as Prometheus' protobuf messages, the only format of native histograms."""
