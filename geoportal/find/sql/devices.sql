-- name: ask_for_devices
-- Queue the indexing of the device layers: views, whose changes no trigger sees. in: slugs.
SELECT layers_ask_for_search(id) FROM layers_layer WHERE slug = ANY(%(slugs)s);
