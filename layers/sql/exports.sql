-- name: all
-- Every feature that matches. in: what the conditions bring.
SELECT {columns} FROM {table} AS f WHERE {where} {order}

-- name: page
-- One page in its order, without the feature that only tells whether others follow.
SELECT {columns} FROM {page} AS f LIMIT %(limit)s
