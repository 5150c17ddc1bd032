-- name: all
-- Every feature that matches. in: what the conditions bring.
SELECT {columns} FROM {table} AS f WHERE {where} {order}

-- name: page
-- One page in its order, without the feature that only tells whether others follow.
SELECT {columns} FROM {page} AS f LIMIT %(limit)s

-- name: kml_text
-- A text as XML holds it, without the characters that it cannot hold.
replace(replace(replace(replace(translate({value}::text, {not_xml}, ''),
    '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), chr(13), '&#13;')

-- name: kml_geometry
-- A geometry as KML; ST_AsKML knows no collections, so that their parts are written one by one.
coalesce(
    CASE
        WHEN GeometryType({geom}) IN ('POINT', 'LINESTRING', 'POLYGON', 'MULTIPOINT', 'MULTILINESTRING', 'MULTIPOLYGON')
            THEN ST_AsKML({shape}, {digits})
        ELSE (
            SELECT '<MultiGeometry>' || string_agg(ST_AsKML(part.geom, {digits}), '' ORDER BY part.path) || '</MultiGeometry>'
            FROM ST_Dump({shape}) AS part
        )
    END,
    ''
)
