-- One row per event. Fields that an event does not have are null; fields without a column are dropped.
-- ReplacingMergeTree removes duplicate lines eventually; query with FINAL to ignore them until then.

CREATE TABLE coderouter_events
(
    timestamp DateTime64(3, 'UTC'),
    host LowCardinality(String),
    level LowCardinality(String),
    msg LowCardinality(String),
    writer String,
    seq UInt64,
    request_id Nullable(String),
    ingress LowCardinality(Nullable(String)),
    profile LowCardinality(Nullable(String)),
    provider LowCardinality(Nullable(String)),
    model LowCardinality(Nullable(String)),
    stream Nullable(Bool),
    outcome LowCardinality(Nullable(String)),
    status Nullable(Int64),
    retryable Nullable(Bool),
    error_type LowCardinality(Nullable(String)),
    error Nullable(String),
    attempts Nullable(Int64),
    duration_s Nullable(Float64),
    ttft_s Nullable(Float64),
    overhead_s Nullable(Float64),
    input_tokens Nullable(Int64),
    output_tokens Nullable(Int64),
    cache_read_tokens Nullable(Int64),
    cache_creation_tokens Nullable(Int64),
    cost_usd Nullable(Float64),
    cache_savings_usd Nullable(Float64),
    stop_reason LowCardinality(Nullable(String)),
    agent LowCardinality(Nullable(String)),
    request_class LowCardinality(Nullable(String)),
    requested_model Nullable(String),
    tool_calls Nullable(Int64),
    had_tools Nullable(Bool),
    waited_s Nullable(Float64),
    key_index Nullable(Int64),
    traceparent Nullable(String),
    session Nullable(String),
    dropped Array(String),
    filters Array(String)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (writer, seq);
