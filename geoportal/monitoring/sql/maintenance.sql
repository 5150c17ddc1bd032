-- name: devices_of_plan
-- The devices that a plan is about. in: scope, key.
SELECT id FROM monitoring_device
WHERE lifecycle <> 'removed' AND %(key)s <> '' AND %(key)s =
      CASE %(scope)s WHEN 'device' THEN devid WHEN 'cabinet' THEN cabinet WHEN 'feeder' THEN feeder
                     WHEN 'operator' THEN operator WHEN 'area' THEN area END
ORDER BY id

-- name: keys_of_scope
SELECT DISTINCT key FROM monitoring_device
CROSS JOIN LATERAL (SELECT CASE %(scope)s WHEN 'device' THEN devid WHEN 'cabinet' THEN cabinet
    WHEN 'feeder' THEN feeder WHEN 'operator' THEN operator WHEN 'area' THEN area END AS key) AS named
WHERE lifecycle <> 'removed' AND key <> '' ORDER BY key
