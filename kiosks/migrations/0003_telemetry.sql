-- What totems measured; units as in kiosks/messages.py. One partition per UTC day, made by telemetry_ensure_day.
-- No foreign key: it would cost a look-up per sample, and history outlives the device. There is no default partition:
-- with one, every new day would first have to search it.
CREATE TABLE kiosks_telemetry (
    device_id bigint NOT NULL,
    ts timestamptz NOT NULL,
    boot uuid NOT NULL,
    seq bigint NOT NULL,
    rx_at timestamptz NOT NULL,
    hist boolean NOT NULL,
    clock_bad boolean NOT NULL,
    cpu double precision,
    mem double precision,
    disk double precision,
    temp_cpu double precision,
    temp_case double precision,
    hum double precision,
    page_alive boolean,
    content_age_s bigint,
    touch_ok boolean,
    touches integer,
    sessions integer,
    sess_avg_s double precision,
    door boolean,
    disp_on boolean,
    backlight double precision,
    volume double precision,
    store_free double precision,
    undervolt boolean,
    watchdog_resets integer,
    err_js integer,
    rx_total bigint,
    tx_total bigint,
    loss double precision,
    rtt double precision,
    extra jsonb,
    PRIMARY KEY (device_id, ts, boot, seq)
) PARTITION BY RANGE (ts);
COMMENT ON COLUMN kiosks_telemetry.extra IS 'measurements that the contract does not name, as they came';
