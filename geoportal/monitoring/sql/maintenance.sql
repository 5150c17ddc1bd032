-- name: devices_of_plan
-- The devices that a plan is about. in: scope, key.
SELECT id FROM monitoring_device
WHERE lifecycle <> 'removed' AND %(key)s <> '' AND %(key)s =
      CASE %(scope)s WHEN 'device' THEN devid WHEN 'cabinet' THEN cabinet WHEN 'feeder' THEN feeder
                     WHEN 'operator' THEN operator WHEN 'area' THEN area END
ORDER BY id

-- name: targets
-- What a plan may be about, as the inventory has it. out: scope, key, name of a device, number of devices.
SELECT named.scope, named.key, min(device.name_it), count(*)
FROM monitoring_device AS device
CROSS JOIN LATERAL (VALUES ('device', devid), ('cabinet', cabinet), ('feeder', feeder), ('operator', operator), ('area', area))
                   AS named (scope, key)
WHERE lifecycle <> 'removed' AND named.key <> '' GROUP BY 1, 2 ORDER BY 1, 2
