-- name: insert
-- Many reads at once. in: rows, one per placeholder group of execute_values.
INSERT INTO layers_readofrestricted (at, user_id, user_name, token_id, layer, door, item, features, requests) VALUES %s
