-- What samples say over 5 minutes, an hour and a local day, and which intervals have to be computed (again).

-- Intervals of 5 minutes that got a sample since they were last computed. Ingest adds, the monitor takes.
CREATE TABLE telemetry_dirty (
    device_id bigint NOT NULL,
    bucket timestamptz NOT NULL,
    PRIMARY KEY (device_id, bucket)
);
CREATE INDEX telemetry_dirty_by_time ON telemetry_dirty (bucket);

CREATE TABLE telemetry_rollup (
    device_id bigint NOT NULL,
    step integer NOT NULL CHECK (step IN (300, 3600, 86400)),
    bucket timestamptz NOT NULL,
    samples bigint NOT NULL,
    gauges jsonb NOT NULL,
    counted jsonb NOT NULL,
    PRIMARY KEY (device_id, step, bucket)
);
CREATE INDEX telemetry_rollup_by_time ON telemetry_rollup (step, bucket);
COMMENT ON COLUMN telemetry_rollup.step IS 'seconds; 86400: a day of the city, 23 to 25 hours';
COMMENT ON COLUMN telemetry_rollup.gauges IS 'name: [samples that have it, mean, least, most]';
COMMENT ON COLUMN telemetry_rollup.counted IS 'counter: [bytes, seconds in which they were counted]';

-- How much a byte counter grew within one boot. A smaller value than before is a wrap of 32 bits when that is possible at
-- up to 1 Gbit/s, else a counter that began again at 0. NULL when nothing can be said.
CREATE FUNCTION counter_step(held bigint, new bigint, seconds double precision) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN held IS NULL OR new IS NULL OR seconds IS NULL OR seconds <= 0 THEN NULL
        WHEN new >= held THEN new - held
        WHEN held BETWEEN 2147483648 AND 4294967295 AND (new + 4294967296 - held) / seconds <= 125000000
            THEN new + 4294967296 - held
        ELSE new
    END
$$;

-- What was stored before is computed once.
DO $$
DECLARE
    parent text;
BEGIN
    FOR parent IN SELECT relname FROM pg_partitioned_table JOIN pg_class ON pg_class.oid = partrelid
                  WHERE relname LIKE '%\_telemetry' LOOP
        EXECUTE format('INSERT INTO telemetry_dirty SELECT DISTINCT device_id, date_bin(''5 minutes'', ts, ''epoch'') '
                       'FROM %I ON CONFLICT DO NOTHING', parent);
    END LOOP;
END
$$;
