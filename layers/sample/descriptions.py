"""What the catalogue says of the sample layers: themes, titles, texts, field labels, styles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from layers.styles.model import Class, Label, StyleSpec, Symbol

THEMES: tuple[tuple[str, str, str, str], ...] = (
    ("territorio", "Territorio e confini", "Territory and boundaries", ""),
    ("carta-tecnica", "Carta tecnica (DBT)", "Topographic database", ""),
    ("pianificazione", "Pianificazione (PGT)", "Town planning", ""),
    ("catasto", "Catasto", "Cadastre", ""),
    ("stradario", "Strade e numeri civici", "Streets and house numbers", ""),
    ("mobilita", "Mobilità", "Mobility", ""),
    ("verde-ambiente", "Verde e ambiente", "Green and environment", ""),
    ("acque", "Acque", "Water", "verde-ambiente"),
    ("servizi", "Servizi ai cittadini", "Services", ""),
    ("rilievo", "Rilievo e altimetria", "Relief", ""),
)
"""slug, Italian, English, slug of the parent."""

CODES: dict[str, tuple[str, str]] = {
    "territorio": ("au", "boundaries"),
    "carta-tecnica": ("bu", "structure"),
    "pianificazione": ("lu", "planningCadastre"),
    "catasto": ("cp", "planningCadastre"),
    "stradario": ("tn", "transportation"),
    "mobilita": ("tn", "transportation"),
    "verde-ambiente": ("lc", "environment"),
    "acque": ("hy", "inlandWaters"),
    "servizi": ("us", "society"),
    "rilievo": ("el", "elevation"),
}
"""INSPIRE theme and ISO topic of the layers of each theme."""
OFFICE = "Dati di esempio"
ACCURACY_M, SCALE = 1.0, 2000
"""What a topographic database of 1:2000 has; the sample is drawn to it."""

RELATIONS: tuple[tuple[str, str, str, str, tuple[str, str], tuple[str, str]], ...] = (
    ("edifici-particelle", "edifici", "particelle-catastali", "within",
     ("Particella su cui sta", "Parcel it stands on"), ("Edifici sulla particella", "Buildings on the parcel")),
    ("civici-particelle", "numeri-civici", "particelle-catastali", "within",
     ("Particella dell'accesso", "Parcel of the entrance"),
     ("Numeri civici sulla particella", "House numbers on the parcel")),
    ("civici-edifici", "numeri-civici", "edifici", "near",
     ("Edifici accanto", "Buildings beside it"), ("Numeri civici accanto", "House numbers beside it")),
    ("particelle-zone", "particelle-catastali", "pgt-zone", "overlaps",
     ("Zone del PGT che la toccano", "Plan zones on it"), ("Particelle della zona", "Parcels of the zone")),
    ("edifici-zone", "edifici", "pgt-zone", "within",
     ("Zona del PGT", "Plan zone"), ("Edifici della zona", "Buildings of the zone")),
)  # fmt: skip
"""slug, first layer, second layer, how, what it is called from the first and from the second (Italian, English)."""

SAMPLE_IT = (
    "Dati di esempio generati dal programma: la forma è verosimile, il contenuto non descrive la Cremona reale "
    "e non ha valore ufficiale."
)
SAMPLE_EN = (
    "Sample data made by the software: plausible in shape, not a description of the real Cremona, of no official value."
)
ATTRIBUTION = "Dati di esempio - Geoportale"
LINEAGE = "Generato in EPSG:32632 da `manage.py load_sample_city`; lo stesso seme dà la stessa città."


@dataclass(frozen=True, slots=True)
class Description:
    """How one sample layer is described and shown. `fields` maps column → (Italian, English, unit)."""

    file: str
    slug: str
    theme: str
    title_it: str
    title_en: str
    text_it: str
    text_en: str
    keywords: tuple[str, ...]
    style: StyleSpec | None = None
    fields: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    searchable: tuple[str, ...] = ()
    min_zoom: int = 0
    shown: bool = False
    codes: dict[str, str] = field(default_factory=dict)
    """Code lists of attributes that are texts, as `layers.codes` reads them."""


def _fill(colour: str, stroke: str, opacity: float = 0.6, width: float = 0.8, **more: Any) -> Symbol:
    return Symbol(fill=colour, fill_opacity=opacity, stroke=stroke, stroke_width=width, **more)


def _category(value: str, label_it: str, label_en: str, symbol: Symbol) -> Class:
    return Class(symbol=symbol, label_it=label_it, label_en=label_en, value=value)


_ZONES = StyleSpec(
    kind="categorised",
    field="zona",
    opacity=0.75,
    classes=(
        _category("NAF", "Nuclei di antica formazione", "Historic core", _fill("#c8553d", "#7a2f20")),
        _category("TUC-R", "Tessuto consolidato residenziale", "Residential fabric", _fill("#f2b880", "#a86b32")),
        _category("TUC-P", "Tessuto consolidato produttivo", "Industrial fabric", _fill("#9a8fb8", "#5b5080")),
        _category("SP", "Servizi comunali", "Public services", _fill("#6f9fd8", "#2f5f9e")),
        _category("VP", "Verde pubblico", "Public green", _fill("#7fbf7b", "#3c7a38")),
        _category(
            "AT", "Ambiti di trasformazione", "Transformation areas", _fill("#e0559a", "#8f1f5a", hatch="diagonal")
        ),
        _category("E", "Aree agricole", "Farmland", _fill("#e6edb8", "#9aa860", 0.45)),
    ),
)
_USES = StyleSpec(
    kind="categorised",
    field="uso",
    classes=(
        _category("residenziale", "Residenziale", "Residential", _fill("#d9a97c", "#7d5330", 0.9)),
        _category("commerciale", "Commerciale", "Commercial", _fill("#d1495b", "#7d1f2e", 0.9)),
        _category("pubblico", "Pubblico", "Public", _fill("#4f7cac", "#234a73", 0.9)),
        _category("produttivo", "Produttivo", "Industrial", _fill("#8d8d99", "#4a4a55", 0.9)),
        _category("rurale", "Rurale", "Rural", _fill("#9c8b4e", "#5d5126", 0.9)),
        _category("garage", "Autorimessa", "Garage", _fill("#bdb7ae", "#6f6a62", 0.9)),
    ),
)
_ROADS = StyleSpec(
    kind="categorised",
    field="tipo",
    classes=(
        _category("tangenziale", "Tangenziale", "Bypass", Symbol(stroke="#c0392b", stroke_width=4.0)),
        _category("viale", "Viale di circonvallazione", "Ring road", Symbol(stroke="#e08e2b", stroke_width=3.5)),
        _category("principale", "Strada principale", "Main road", Symbol(stroke="#e8b04a", stroke_width=3.0)),
        _category("centro", "Strada del centro", "Old-town street", Symbol(stroke="#8d7b68", stroke_width=1.2)),
        _category("locale", "Strada locale", "Local street", Symbol(stroke="#a8a39d", stroke_width=1.4)),
    ),
    label=Label(field="odonimo", size=11.0, min_zoom=16),
)
_TREES = StyleSpec(
    kind="graduated",
    field="circonferenza_cm",
    method="equal_interval",
    classes=tuple(
        Class(
            symbol=Symbol(fill=colour, fill_opacity=0.9, stroke="#1e4620", stroke_width=0.5, size=size),
            label_it=f"{low}–{high} cm",
            label_en=f"{low}–{high} cm",
            minimum=float(low),
            maximum=float(high),
        )
        for low, high, colour, size in (
            (0, 60, "#a9d18e", 3.0), (60, 120, "#70ad47", 4.0), (120, 180, "#4a8a2a", 5.0), (180, 270, "#2b5d16", 6.5),
        )
    ),
)  # fmt: skip

DESCRIPTIONS: tuple[Description, ...] = (
    Description(
        "confine_comunale", "confine-comunale", "territorio", "Confine comunale", "Municipal boundary",
        "Limite amministrativo del Comune.", "Administrative limit of the municipality.",
        ("confini", "comune", "unità amministrative"),
        StyleSpec(symbol=Symbol(fill_opacity=0.0, stroke="#7b2d8b", stroke_width=2.5, stroke_dash=(6.0, 3.0))),
        {"nome": ("Nome", "Name", ""), "istat": ("Codice ISTAT", "ISTAT code", ""),
         "codice_catastale": ("Codice catastale", "Cadastral code", ""), "ettari": ("Superficie", "Area", "ha")},
        shown=True,
    ),
    Description(
        "fiume", "fiume-po", "acque", "Fiume Po", "River Po", "Alveo del Po.", "Bed of the Po.",
        ("idrografia", "acque", "fiume"), StyleSpec(symbol=_fill("#9fc9eb", "#4a8fc2", 0.9)),
        {"nome": ("Nome", "Name", ""), "classe": ("Classe DBT", "DBT class", "")}, shown=True,
    ),
    Description(
        "rogge", "rogge", "acque", "Rogge e colatori", "Irrigation ditches",
        "Reticolo idrico minore.", "Minor water network.", ("idrografia", "reticolo idrico minore"),
        StyleSpec(symbol=Symbol(stroke="#4a8fc2", stroke_width=1.6)),
        {"nome": ("Nome", "Name", ""), "lunghezza_m": ("Lunghezza", "Length", "m")}, ("nome",), 11,
    ),
    Description(
        "pgt_zone", "pgt-zone", "pianificazione", "Zone del PGT", "Town plan zones",
        "Azzonamento del Piano di Governo del Territorio: codice, descrizione e articolo di norma di ogni zona.",
        "Zoning of the town plan: code, description and article for each zone.",
        ("PGT", "azzonamento", "uso del suolo", "urbanistica"), _ZONES,
        {"zona": ("Zona", "Zone", ""), "descrizione": ("Descrizione", "Description", ""),
         "norma": ("Norma", "Article", ""), "quartiere": ("Quartiere", "Neighbourhood", ""),
         "superficie_m2": ("Superficie", "Area", "m²")}, ("zona", "descrizione"),
    ),
    Description(
        "particelle_catastali", "particelle-catastali", "catasto", "Particelle catastali", "Cadastral parcels",
        "Particelle del Comune D150 con foglio e numero.", "Parcels of municipality D150 with sheet and number.",
        ("catasto", "particelle", "foglio"),
        StyleSpec(symbol=_fill("#f7e9c4", "#b08d3c", 0.15, 0.7),
                  label=Label(field="particella", size=10.0, min_zoom=18)),
        {"comune": ("Codice Comune", "Municipality code", ""), "foglio": ("Foglio", "Sheet", ""),
         "particella": ("Particella", "Parcel", ""), "superficie_m2": ("Superficie", "Area", "m²")},
        ("foglio", "particella"), 14,
    ),
    Description(
        "edifici", "edifici", "carta-tecnica", "Edifici", "Buildings",
        "Edifici ed edifici minori del database topografico, con uso, piani, altezza e anno.",
        "Buildings of the topographic database with use, storeys, height and year.",
        ("edifici", "DBT", "A020102"), _USES,
        {"classe": ("Classe DBT", "DBT class", ""), "uso": ("Uso", "Use", ""), "piani": ("Piani", "Storeys", ""),
         "altezza_m": ("Altezza", "Height", "m"), "anno": ("Anno", "Year", ""), "foglio": ("Foglio", "Sheet", ""),
         "particella": ("Particella", "Parcel", ""), "quartiere": ("Quartiere", "Neighbourhood", "")},
        codes={"classe": "A020102 = Edificio | Building\nA020106 = Edificio minore | Minor building"},
        min_zoom=12, shown=True,
    ),
    Description(
        "strade", "strade", "stradario", "Stradario", "Streets",
        "Assi stradali con odonimo e tipo.", "Street axes with name and type.", ("strade", "toponomastica"), _ROADS,
        {"codice": ("Codice", "Code", ""), "odonimo": ("Odonimo", "Street name", ""), "tipo": ("Tipo", "Type", ""),
         "larghezza_m": ("Larghezza", "Width", "m"), "lunghezza_m": ("Lunghezza", "Length", "m")},
        ("odonimo",), 10, True,
    ),
    Description(
        "numeri_civici", "numeri-civici", "stradario", "Numeri civici", "House numbers",
        "Accessi con numero civico ed esponente.", "Entrances with house number and exponent.",
        ("numeri civici", "indirizzi"),
        StyleSpec(symbol=Symbol(fill="#17324d", fill_opacity=1.0, stroke="#ffffff", stroke_width=0.5, size=2.5),
                  label=Label(field="civico", size=10.0, min_zoom=17)),
        {"codice_strada": ("Codice strada", "Street code", ""), "odonimo": ("Odonimo", "Street name", ""),
         "civico": ("Civico", "House number", ""), "numero": ("Numero", "Number", ""),
         "esponente": ("Esponente", "Exponent", ""), "foglio": ("Foglio", "Sheet", ""),
         "particella": ("Particella", "Parcel", "")}, ("odonimo", "civico", "esponente"), 16,
    ),
    Description(
        "alberi", "alberi", "verde-ambiente", "Alberi", "Trees",
        "Censimento degli alberi: specie, anno di impianto, circonferenza.", "Tree census: species, year, girth.",
        ("alberi", "verde pubblico", "censimento"), _TREES,
        {"specie": ("Specie", "Species", ""), "nome_comune": ("Nome comune", "Common name", ""),
         "anno_impianto": ("Anno di impianto", "Year planted", ""),
         "circonferenza_cm": ("Circonferenza", "Girth", "cm"), "luogo": ("Luogo", "Place", "")}, ("nome_comune",), 14,
    ),
    Description(
        "scuole", "scuole", "servizi", "Scuole e nidi", "Schools and nurseries",
        "Nidi e scuole di ogni ordine.", "Nurseries and schools of every grade.", ("scuole", "istruzione", "servizi"),
        StyleSpec(symbol=Symbol(fill="#6a4c93", fill_opacity=1.0, stroke="#ffffff", stroke_width=1.2, size=7.0,
                                shape="square"), label=Label(field="nome", min_zoom=15)),
        {"nome": ("Nome", "Name", ""), "ordine": ("Ordine", "Grade", ""), "alunni": ("Alunni", "Pupils", "")},
        ("nome",), 11,
    ),
    Description(
        "fermate_autobus", "fermate-autobus", "mobilita", "Fermate dell'autobus", "Bus stops",
        "Fermate del trasporto pubblico locale.", "Stops of local public transport.", ("trasporto pubblico", "fermate"),
        StyleSpec(symbol=Symbol(fill="#1f7a8c", fill_opacity=1.0, stroke="#ffffff", stroke_width=1.0, size=5.0,
                                shape="diamond")),
        {"nome": ("Nome", "Name", ""), "direzione": ("Direzione", "Direction", ""), "linee": ("Linee", "Lines", "")},
        ("nome",), 13,
    ),
    Description(
        "quartieri", "quartieri", "territorio", "Quartieri (limiti attuali)", "Neighbourhoods (current limits)",
        "Limiti dei quartieri dopo l'accorpamento.", "Neighbourhood limits after merging.", ("quartieri", "confini"),
        StyleSpec(symbol=Symbol(fill="#4a6fa5", fill_opacity=0.08, stroke="#274472", stroke_width=2.0),
                  label=Label(field="nome", size=14.0, min_zoom=11)),
        {"numero": ("Numero", "Number", ""), "nome": ("Nome", "Name", ""), "ettari": ("Superficie", "Area", "ha")},
        ("nome",),
    ),
    Description(
        "quartieri_2020", "quartieri-precedenti", "territorio", "Quartieri (limiti precedenti)",
        "Neighbourhoods (previous limits)", "Limiti dei quartieri prima dell'accorpamento.",
        "Neighbourhood limits before merging.", ("quartieri", "confini", "storico"),
        StyleSpec(symbol=Symbol(fill="#a0522d", fill_opacity=0.06, stroke="#a0522d", stroke_width=1.5,
                                stroke_dash=(4.0, 3.0)), label=Label(field="nome", size=12.0, min_zoom=12)),
        {"numero": ("Numero", "Number", ""), "nome": ("Nome", "Name", ""), "ettari": ("Superficie", "Area", "ha")},
        ("nome",),
    ),
    Description(
        "dtm", "dtm", "rilievo", "Modello del terreno (DTM 20 m)", "Terrain model (20 m)",
        "Quote del terreno in metri sul livello del mare, celle di 20 m.", "Heights above sea level, 20 m cells.",
        ("DTM", "altimetria", "rilievo"),
    ),
)  # fmt: skip
