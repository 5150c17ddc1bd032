-- name: count_here
-- Every dispatcher hears the broker's log; one counts. Held by the connection.
SELECT pg_try_advisory_lock(hashtext('geoportal.monitoring'), hashtext('doorkeeper'))

-- name: add_refusals
INSERT INTO monitoring_brokerrefusal AS held (hour, address, count) VALUES (%(hour)s, %(address)s, %(count)s)
ON CONFLICT (hour, address) DO UPDATE SET count = held.count + excluded.count

-- name: add_denials
INSERT INTO monitoring_brokerdenial AS held (hour, client, action, topic, count)
SELECT %(hour)s, * FROM unnest(%(clients)s::text[], %(actions)s::text[], %(topics)s::text[], %(counts)s::int[])
ON CONFLICT (hour, client, action, topic) DO UPDATE SET count = held.count + excluded.count

-- name: denials_by_client
-- What the broker denied in the last week, by client, action and topic; with the device's code where it is one of ours.
SELECT denial.client, device.devid, denial.action, denial.topic, sum(denial.count) AS count, max(denial.hour) AS last_hour
FROM monitoring_brokerdenial denial
LEFT JOIN monitoring_device device ON device.devid = denial.client
WHERE denial.hour > %(since)s
GROUP BY denial.client, device.devid, denial.action, denial.topic
ORDER BY max(denial.hour) DESC, sum(denial.count) DESC LIMIT 100

-- name: forget_refusals
WITH denials AS (DELETE FROM monitoring_brokerdenial WHERE hour < %(before)s)
DELETE FROM monitoring_brokerrefusal WHERE hour < %(before)s

-- name: dead_letters_by_sender
-- What devices said in the last week that could not be used, by reason and topic.
SELECT reason, topic, count(*) AS count, max(received_at) AS last_at, min(detail) AS example
FROM monitoring_deadletter WHERE received_at > %(since)s
GROUP BY reason, topic ORDER BY max(received_at) DESC LIMIT 100
