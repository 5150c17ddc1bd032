"""The XML documents of WFS: capabilities, schemas, stored queries, errors."""

from __future__ import annotations

from xml.etree import ElementTree as Xml
from xml.sax.saxutils import escape, quoteattr

from layers.catalogue import FieldEntry, LayerEntry
from layers.crs import served
from layers.members import GEOMETRY
from ogc.config import DESCRIPTION, TITLE
from ogc.inspire import DOWNLOAD, extended, record_of, schema_location

NAMESPACE = "https://www.comune.cremona.it/geoportale"
BY_ID = "urn:ogc:def:query:OGC-WFS::GetFeatureById"
GML, JSON = "application/gml+xml; version=3.2", "application/json"
COUNT_DEFAULT = 1000
SPACES = (
    'xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:ows="http://www.opengis.net/ows/1.1" '
    'xmlns:fes="http://www.opengis.net/fes/2.0" xmlns:gml="http://www.opengis.net/gml/3.2" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    f'xmlns:cr="{NAMESPACE}"'
)
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_XSD = {
    "string": "xsd:string", "integer": "xsd:long", "number": "xsd:double", "boolean": "xsd:boolean", "date": "xsd:date",
    "datetime": "xsd:dateTime", "json": "xsd:string",
}  # fmt: skip
_GEOMETRIES = {
    "POINT": "gml:PointPropertyType",
    "MULTIPOINT": "gml:MultiPointPropertyType",
    "LINESTRING": "gml:CurvePropertyType",
    "MULTILINESTRING": "gml:MultiCurvePropertyType",
    "POLYGON": "gml:SurfacePropertyType",
    "MULTIPOLYGON": "gml:MultiSurfacePropertyType",
}
OPERATIONS = ("GetCapabilities", "DescribeFeatureType", "ListStoredQueries", "DescribeStoredQueries", "GetFeature")
TRUE_CONSTRAINTS = ("ImplementsSimpleWFS", "KVPEncoding", "XMLEncoding", "ImplementsResultPaging", "ImplementsQuery")
FALSE_CONSTRAINTS = (
    "ImplementsBasicWFS", "ImplementsTransactionalWFS", "ImplementsLockingWFS", "SOAPEncoding",
    "ImplementsInheritance", "ImplementsRemoteResolve", "ImplementsStandardJoins", "ImplementsSpatialJoins",
    "ImplementsTemporalJoins", "ImplementsFeatureVersioning", "ManageStoredQueries",
)  # fmt: skip


def type_name(layer: LayerEntry) -> str:
    """A layer's name in XML, which cannot begin with a digit."""
    return f"_{layer.slug}" if layer.slug[0].isdigit() else layer.slug


def urn(srid: int) -> str:
    return f"urn:ogc:def:crs:EPSG::{srid}"


def capabilities(layers: list[LayerEntry], base: str, language: str, *, for_inspire: bool = False) -> str:
    """What the service can do and which types it has; `base` is the address of /ogc.

    `for_inspire`: with the extension of INSPIRE, which must name a data set: without any there is none.
    """
    address, site, more, located = f"{base}/wfs", base.removesuffix("/ogc"), "", ""
    if for_inspire and layers:
        held = Xml.tostring(extended(DOWNLOAD, "wfs", site, language, layers), encoding="unicode")
        more = f"<ows:ExtendedCapabilities>{held}</ows:ExtendedCapabilities>"
        located = f" xsi:schemaLocation={quoteattr(schema_location(DOWNLOAD))}"
    constraints = "".join(
        f'<ows:Constraint name="{name}"><ows:NoValues/><ows:DefaultValue>{word}</ows:DefaultValue></ows:Constraint>'
        for names, word in ((TRUE_CONSTRAINTS, "TRUE"), (FALSE_CONSTRAINTS, "FALSE"))
        for name in names
    )
    constraints += (
        '<ows:Constraint name="CountDefault"><ows:NoValues/>'
        f"<ows:DefaultValue>{COUNT_DEFAULT}</ows:DefaultValue></ows:Constraint>"
    )
    return (
        f'{HEAD}<wfs:WFS_Capabilities version="2.0.0" {SPACES}{located}>'
        f"<ows:ServiceIdentification><ows:Title>{escape(TITLE[language])}</ows:Title>"
        f"<ows:Abstract>{escape(DESCRIPTION[language])}</ows:Abstract><ows:ServiceType>WFS</ows:ServiceType>"
        "<ows:ServiceTypeVersion>2.0.0</ows:ServiceTypeVersion><ows:Fees>NONE</ows:Fees>"
        "<ows:AccessConstraints>NONE</ows:AccessConstraints></ows:ServiceIdentification>"
        "<ows:ServiceProvider><ows:ProviderName>Comune di Cremona</ows:ProviderName><ows:ServiceContact/>"
        f"</ows:ServiceProvider><ows:OperationsMetadata>{''.join(_operation(one, address) for one in OPERATIONS)}"
        f"{constraints}{more}</ows:OperationsMetadata>"
        f"<wfs:FeatureTypeList>{''.join(_feature_type(one, language, site) for one in layers)}</wfs:FeatureTypeList>"
        f"{_filter_capabilities()}</wfs:WFS_Capabilities>"
    )


def _operation(name: str, address: str) -> str:
    href = quoteattr(address)
    values = {"GetFeature": ("outputFormat", (GML, JSON)), "GetCapabilities": ("AcceptVersions", ("2.0.0",))}
    parameter = ""
    if name in values:
        title, words = values[name]
        allowed = "".join(f"<ows:Value>{word}</ows:Value>" for word in words)
        parameter = f'<ows:Parameter name="{title}"><ows:AllowedValues>{allowed}</ows:AllowedValues></ows:Parameter>'
    return (
        f'<ows:Operation name="{name}"><ows:DCP><ows:HTTP><ows:Get xlink:href={href}/><ows:Post xlink:href={href}/>'
        f"</ows:HTTP></ows:DCP>{parameter}</ows:Operation>"
    )


def _feature_type(layer: LayerEntry, language: str, site: str) -> str:
    english = language == "en"
    title = layer.title_en if english else layer.title_it
    abstract = layer.abstract_en if english else layer.abstract_it
    srid = layer.srid or 4326
    others = "".join(
        f"<wfs:OtherCRS>{urn(one)}</wfs:OtherCRS>" for one in {crs.srid for crs in served(layer.srid)} - {srid}
    )
    west, south, east, north = layer.bbox or (-180, -90, 180, 90)
    words = "".join(f"<ows:Keyword>{escape(word)}</ows:Keyword>" for word in layer.keywords)
    return (
        f"<wfs:FeatureType><wfs:Name>cr:{type_name(layer)}</wfs:Name><wfs:Title>{escape(title)}</wfs:Title>"
        f"<wfs:Abstract>{escape(abstract)}</wfs:Abstract>"
        + (f"<ows:Keywords>{words}</ows:Keywords>" if words else "")
        + f"<wfs:DefaultCRS>{urn(srid)}</wfs:DefaultCRS>{others}"
        f"<ows:WGS84BoundingBox><ows:LowerCorner>{west} {south}</ows:LowerCorner>"
        f"<ows:UpperCorner>{east} {north}</ows:UpperCorner></ows:WGS84BoundingBox>"
        f"<wfs:MetadataURL xlink:href={quoteattr(record_of(layer, site))}/></wfs:FeatureType>"
    )


def _filter_capabilities() -> str:
    conformance = "".join(
        f'<fes:Constraint name="{name}"><ows:NoValues/><ows:DefaultValue>{word}</ows:DefaultValue></fes:Constraint>'
        for name, word in (
            ("ImplementsQuery", "TRUE"),
            ("ImplementsAdHocQuery", "TRUE"),
            ("ImplementsResourceId", "TRUE"),
        )
    )
    names = ("EqualTo", "NotEqualTo", "LessThan", "GreaterThan", "LessThanOrEqualTo", "GreaterThanOrEqualTo", "Like",
             "Null", "Between")  # fmt: skip
    comparisons = "".join(f'<fes:ComparisonOperator name="PropertyIs{name}"/>' for name in names)
    return (
        f"<fes:Filter_Capabilities><fes:Conformance>{conformance}</fes:Conformance>"
        '<fes:Id_Capabilities><fes:ResourceIdentifier name="fes:ResourceId"/></fes:Id_Capabilities>'
        "<fes:Scalar_Capabilities><fes:LogicalOperators/>"
        f"<fes:ComparisonOperators>{comparisons}</fes:ComparisonOperators></fes:Scalar_Capabilities>"
        '<fes:Spatial_Capabilities><fes:GeometryOperands><fes:GeometryOperand name="gml:Envelope"/>'
        '</fes:GeometryOperands><fes:SpatialOperators><fes:SpatialOperator name="BBOX"/></fes:SpatialOperators>'
        "</fes:Spatial_Capabilities></fes:Filter_Capabilities>"
    )


def feature_types(described: list[tuple[LayerEntry, tuple[FieldEntry, ...]]]) -> str:
    """The XML Schema of types."""
    made = []
    for layer, fields in described:
        name = type_name(layer)
        parts = ""
        if layer.geometry_field:
            kind = _GEOMETRIES.get(layer.geometry_type.upper().removesuffix("Z"), "gml:GeometryPropertyType")
            parts = f'<xsd:element name="{GEOMETRY}" type="{kind}" minOccurs="0" nillable="true"/>'
        parts += "".join(f'<xsd:element name="{one.name}" type="{_XSD[one.type]}" minOccurs="0"/>' for one in fields)
        made.append(
            f'<xsd:element name="{name}" type="cr:{name}Type" substitutionGroup="gml:AbstractFeature"/>'
            f'<xsd:complexType name="{name}Type"><xsd:complexContent><xsd:extension base="gml:AbstractFeatureType">'
            f"<xsd:sequence>{parts}</xsd:sequence></xsd:extension></xsd:complexContent></xsd:complexType>"
        )
    return (
        f'{HEAD}<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:gml="http://www.opengis.net/gml/3.2" '
        f'xmlns:cr="{NAMESPACE}" targetNamespace="{NAMESPACE}" elementFormDefault="qualified" version="1.0">'
        '<xsd:import namespace="http://www.opengis.net/gml/3.2" '
        f'schemaLocation="http://schemas.opengis.net/gml/3.2.1/gml.xsd"/>{"".join(made)}</xsd:schema>'
    )


def stored_queries(layers: list[LayerEntry], *, described: bool) -> str:
    """The one stored query there is: a feature by its identifier."""
    if not described:
        types = "".join(f"<wfs:ReturnFeatureType>cr:{type_name(one)}</wfs:ReturnFeatureType>" for one in layers)
        inside = f'<wfs:StoredQuery id="{BY_ID}"><wfs:Title>GetFeatureById</wfs:Title>{types}</wfs:StoredQuery>'
        return f"{HEAD}<wfs:ListStoredQueriesResponse {SPACES}>{inside}</wfs:ListStoredQueriesResponse>"
    inside = (
        f'<wfs:StoredQueryDescription id="{BY_ID}" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        '<wfs:Title>GetFeatureById</wfs:Title><wfs:Parameter name="ID" type="xsd:string"/>'
        '<wfs:QueryExpressionText isPrivate="true" language="urn:ogc:def:queryLanguage:OGC-WFS::WFSQueryExpression" '
        'returnFeatureTypes=""/></wfs:StoredQueryDescription>'
    )
    return f"{HEAD}<wfs:DescribeStoredQueriesResponse {SPACES}>{inside}</wfs:DescribeStoredQueriesResponse>"


def exception(code: str, locator: str, text: str) -> str:
    """An ows:ExceptionReport."""
    place = f" locator={quoteattr(locator)}" if locator else ""
    return (
        f'{HEAD}<ows:ExceptionReport version="2.0.0" xmlns:ows="http://www.opengis.net/ows/1.1">'
        f"<ows:Exception exceptionCode={quoteattr(code)}{place}><ows:ExceptionText>{escape(text)}</ows:ExceptionText>"
        "</ows:Exception></ows:ExceptionReport>"
    )
