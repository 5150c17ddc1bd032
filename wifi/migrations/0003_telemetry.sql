-- What access points measured; units as in wifi/messages.py. One partition per UTC day, made by telemetry_ensure_day.
-- No foreign key: it would cost a look-up per sample, and history outlives the device. There is no default partition:
-- with one, every new day would first have to search it.
CREATE TABLE wifi_telemetry (
    device_id bigint NOT NULL,
    ts timestamptz NOT NULL,
    boot uuid NOT NULL,
    seq bigint NOT NULL,
    rx_at timestamptz NOT NULL,
    hist boolean NOT NULL,
    clock_bad boolean NOT NULL,
    cpu double precision,
    mem double precision,
    load1 double precision,
    temp_cpu double precision,
    clients_24 integer,
    clients_5 integer,
    noise_24 double precision,
    noise_5 double precision,
    air_24 double precision,
    air_5 double precision,
    rx_bps double precision,
    tx_bps double precision,
    rx_total bigint,
    tx_total bigint,
    loss double precision,
    rtt double precision,
    extra jsonb,
    PRIMARY KEY (device_id, ts, boot, seq)
) PARTITION BY RANGE (ts);
COMMENT ON COLUMN wifi_telemetry.extra IS 'measurements that the contract does not name, as they came';
