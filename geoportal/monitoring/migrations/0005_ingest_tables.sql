-- What ingest writes besides samples, and how it learns of new devices. No foreign keys: what was reported outlives the
-- device, whose id is never given again.

-- Events of devices and results of commands. dedup makes a repeated delivery harmless: "boot:seq", or "cmd:id:state".
CREATE TABLE device_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id bigint NOT NULL,
    dedup text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('event', 'cmdres')),
    code text NOT NULL,
    ts timestamptz NOT NULL,
    rx_at timestamptz NOT NULL,
    clock_bad boolean NOT NULL,
    hist boolean NOT NULL,
    data jsonb NOT NULL,
    UNIQUE (device_id, dedup)
);
CREATE INDEX device_event_by_time ON device_event (device_id, ts DESC);

-- The application acknowledgement: every number up to hi is stored, but for those in miss.
CREATE TABLE ingest_ack (
    device_id bigint NOT NULL,
    boot uuid NOT NULL,
    hi bigint NOT NULL,
    miss bigint[] NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL,
    PRIMARY KEY (device_id, boot)
) WITH (fillfactor = 70);

-- One row per worker, written about every second: how others know that devices are being listened to.
CREATE TABLE ingest_heartbeat (
    worker text PRIMARY KEY,
    shards text[] NOT NULL,
    at timestamptz NOT NULL,
    connected boolean NOT NULL,
    counters jsonb NOT NULL
);

-- Makes the partition of one UTC day. Creating it apart and attaching it takes no lock that stops readers or writers
-- of the other days; the advisory lock lets two workers ask for the same day at once.
CREATE FUNCTION telemetry_ensure_day(parent text, day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    child text := parent || '_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass(child) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('telemetry_ensure_day'), hashtext(child));
    IF to_regclass(child) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child, parent);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, child,
                   day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
END
$$;

-- A hint, not a queue: ingest reads the inventory again. Only what ingest keeps of a device sets it off.
CREATE FUNCTION device_registry_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('device_registry', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER device_registry_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF devid, kind, shard
    ON monitoring_device FOR EACH STATEMENT EXECUTE FUNCTION device_registry_changed();
