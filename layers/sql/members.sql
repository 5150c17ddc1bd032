-- name: members
-- Some features of one table as text, one each, by offset. in: limit offset counted. out: text, number returned, number matched
-- (NULL unless counted).
WITH page AS (
    SELECT f.*, row_number() OVER () AS "#row"
    FROM (SELECT f.* FROM {table} AS f WHERE {where} ORDER BY {id} LIMIT %(limit)s OFFSET %(offset)s) AS f
)
SELECT
    (SELECT string_agg({member}, {separator} ORDER BY f."#row") FROM page AS f),
    (SELECT count(*) FROM page),
    CASE WHEN %(counted)s THEN (SELECT count(*) FROM {table} AS f WHERE {where}) END

-- name: gml_member
-- A row f as a GML 3.2 feature in a wfs:member.
'<wfs:member>' || XMLELEMENT(NAME {type}, XMLATTRIBUTES({gml_id} AS "gml:id"), {properties})::text || '</wfs:member>'

-- name: gml_attribute
CASE WHEN {column} IS NOT NULL THEN XMLELEMENT(NAME {name}, {column}) END

-- name: gml_text
-- Characters that XML cannot hold are left out.
CASE WHEN {column} IS NOT NULL THEN
    XMLELEMENT(NAME {name}, regexp_replace({column}::text, E'[\x01-\x08\x0b\x0c\x0e-\x1f]', '', 'g'))
END

-- name: gml_geometry
-- Options of ST_AsGML: 1 long CRS names, 4 LineString rather than Curve, 16 first axis north.
CASE WHEN {geometry} IS NOT NULL THEN
    XMLELEMENT(NAME {name}, ST_AsGML(3, {geometry}, {digits}, {options}, 'gml', {gml_id} || '.g')::xml)
END
