-- name: count_here
-- Every dispatcher hears the broker's log; one counts. Held by the connection.
SELECT pg_try_advisory_lock(hashtext('geoportal.monitoring'), hashtext('doorkeeper'))

-- name: add_refusals
INSERT INTO monitoring_brokerrefusal AS held (hour, address, count) VALUES (%(hour)s, %(address)s, %(count)s)
ON CONFLICT (hour, address) DO UPDATE SET count = held.count + excluded.count

-- name: forget_refusals
DELETE FROM monitoring_brokerrefusal WHERE hour < %(before)s

-- name: dead_letters_by_sender
-- What devices said in the last week that could not be used, by reason and topic.
SELECT reason, topic, count(*) AS count, max(received_at) AS last_at, min(detail) AS example
FROM monitoring_deadletter WHERE received_at > %(since)s
GROUP BY reason, topic ORDER BY max(received_at) DESC LIMIT 100
