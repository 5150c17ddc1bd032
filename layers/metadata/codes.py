"""Code lists of metadata, and how they answer to each other. Pure.

Sources: INSPIRE themes register (inspire.ec.europa.eu/theme); ISO 19115 MD_TopicCategoryCode and
MD_MaintenanceFrequencyCode; EU authority tables `data-theme` and `frequency`.
"""

from __future__ import annotations

from django.utils.functional import lazy
from django.utils.translation import get_language

INSPIRE: dict[str, tuple[str, str]] = {
    "ad": ("Indirizzi", "Addresses"),
    "au": ("Unità amministrative", "Administrative units"),
    "cp": ("Parcelle catastali", "Cadastral parcels"),
    "gn": ("Nomi geografici", "Geographical names"),
    "hy": ("Idrografia", "Hydrography"),
    "ps": ("Siti protetti", "Protected sites"),
    "tn": ("Reti di trasporto", "Transport networks"),
    "el": ("Elevazione", "Elevation"),
    "ge": ("Geologia", "Geology"),
    "lc": ("Copertura del suolo", "Land cover"),
    "oi": ("Orto immagini", "Orthoimagery"),
    "am": ("Zone sottoposte a gestione/limitazioni/regolamentazione e unità con obbligo di comunicare dati",
           "Area management/restriction/regulation zones and reporting units"),
    "bu": ("Edifici", "Buildings"),
    "ef": ("Impianti di monitoraggio ambientale", "Environmental monitoring facilities"),
    "er": ("Risorse energetiche", "Energy resources"),
    "hh": ("Salute umana e sicurezza", "Human health and safety"),
    "lu": ("Utilizzo del territorio", "Land use"),
    "nz": ("Zone a rischio naturale", "Natural risk zones"),
    "pd": ("Distribuzione della popolazione — demografia", "Population distribution — demography"),
    "pf": ("Produzione e impianti industriali", "Production and industrial facilities"),
    "so": ("Suolo", "Soil"),
    "su": ("Unità statistiche", "Statistical units"),
    "us": ("Servizi di pubblica utilità e servizi amministrativi", "Utility and governmental services"),
}  # fmt: skip
"""Code: title in Italian and English, of the themes that a municipality has to do with."""

TOPICS: dict[str, tuple[str, str]] = {
    "boundaries": ("Confini", "Boundaries"),
    "planningCadastre": ("Pianificazione del territorio/Catasto", "Planning/cadastre"),
    "structure": ("Strutture", "Structure"),
    "transportation": ("Trasporti", "Transportation"),
    "environment": ("Ambiente", "Environment"),
    "inlandWaters": ("Acque interne", "Inland waters"),
    "elevation": ("Elevazione", "Elevation"),
    "imageryBaseMapsEarthCover": ("Mappe di base/immagini/copertura terrestre", "Imagery/base maps/earth cover"),
    "location": ("Localizzazione", "Location"),
    "society": ("Società", "Society"),
    "economy": ("Economia", "Economy"),
    "health": ("Salute", "Health"),
    "utilitiesCommunication": ("Servizi di pubblica utilità/comunicazione", "Utilities/communication"),
    "farming": ("Agricoltura", "Farming"),
    "biota": ("Biota", "Biota"),
    "geoscientificInformation": ("Informazioni geoscientifiche", "Geoscientific information"),
    "climatologyMeteorologyAtmosphere": ("Climatologia/meteorologia/atmosfera", "Climatology/meteorology/atmosphere"),
}
ISO_FREQUENCIES = {
    "CONT": "continual", "DAILY": "daily", "WEEKLY": "weekly", "MONTHLY": "monthly", "QUARTERLY": "quarterly",
    "ANNUAL": "annually", "IRREG": "irregular", "AS_NEEDED": "asNeeded", "NOT_PLANNED": "notPlanned",
    "UNKNOWN": "unknown",
}  # fmt: skip
"""From the EU authority table to ISO 19115."""
EU_FREQUENCIES = {
    code: f"http://publications.europa.eu/resource/authority/frequency/{code}" for code in ISO_FREQUENCIES
}
_EU_THEMES = {
    "transportation": "TRAN", "environment": "ENVI", "inlandWaters": "ENVI", "biota": "ENVI", "farming": "AGRI",
    "society": "SOCI", "economy": "ECON", "health": "HEAL", "utilitiesCommunication": "TECH",
    "climatologyMeteorologyAtmosphere": "ENVI",
}  # fmt: skip
_THEMES_OF_INSPIRE = {"tn": "TRAN", "hh": "HEAL", "pd": "SOCI", "er": "ENER", "pf": "ECON", "ps": "ENVI", "hy": "ENVI",
                      "ef": "ENVI", "nz": "ENVI", "us": "GOVE", "au": "GOVE"}  # fmt: skip
LICENCES: dict[str, tuple[str, str]] = {
    "CC-BY-4.0": ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/"),
    "CC0-1.0": ("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "IODL-2.0": ("IODL 2.0", "https://www.dati.gov.it/content/italian-open-data-license-v20"),
    "ODbL-1.0": ("ODbL 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
}
SPDX = frozenset({"CC-BY-4.0", "CC0-1.0", "ODbL-1.0"})
"""Those of LICENCES that the register of SPDX knows by the same code."""
EU_LICENCES = {
    "CC-BY-4.0": "http://publications.europa.eu/resource/authority/licence/CC_BY_4_0",
    "CC0-1.0": "http://publications.europa.eu/resource/authority/licence/CC0",
    "ODbL-1.0": "http://publications.europa.eu/resource/authority/licence/ODC_BL",
}


def inspire_choices() -> list[tuple[str, str]]:
    """For a form: code and title in the reader's language, in the order of the Italian title."""
    return _choices(INSPIRE)


def topic_choices() -> list[tuple[str, str]]:
    """For a form: code and title in the reader's language, in the order of the Italian title."""
    return _choices(TOPICS)


def _choices(codes: dict[str, tuple[str, str]]) -> list[tuple[str, str]]:
    ordered = sorted(codes.items(), key=lambda one: one[1][0])
    return [(code, _in_language(italian, english)) for code, (italian, english) in ordered]


def _said(italian: str, english: str) -> str:
    return english if (get_language() or "").startswith("en") else italian


# Forms are made once, when the language of who will read them is not known.
_in_language = lazy(_said, str)


def inspire_address(code: str) -> str:
    """The theme in the register."""
    return f"http://inspire.ec.europa.eu/theme/{code}"


def eu_theme(inspire: str, topic: str) -> str:
    """Address in the EU's `data-theme`; what nothing tells is REGI, regions and cities."""
    code = _THEMES_OF_INSPIRE.get(inspire) or _EU_THEMES.get(topic) or "REGI"
    return f"http://publications.europa.eu/resource/authority/data-theme/{code}"
