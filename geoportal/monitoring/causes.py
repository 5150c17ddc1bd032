"""The words for every cause: one place, so that page, interface, stream and mail say the same.

The database keeps codes; a text is chosen in the reader's language at the moment of answering.
"""

from functools import cache

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from geoportal.monitoring.measures import unit_of

CAUSES: dict[str, str | Promise] = {
    # Service and sight
    "never_seen": _("Non si è ancora mai collegato"),
    "never_heard": _("Ha le credenziali ma non è mai arrivato nulla: controllare codice, argomenti e password"),
    "not_yet_active": _("Non ancora in servizio"),
    "removed": _("Dismesso"),
    "suspended": _("Sospeso dal servizio"),
    "in_maintenance": _("In manutenzione programmata"),
    "we_are_blind": _("La centrale non riceve: lo stato del dispositivo non è noto"),
    # Connection
    "connection_lost": _("Connessione interrotta all'improvviso"),
    "silent": _("Non dà notizie da troppo tempo"),
    "unstable": _("La connessione va e viene"),
    "switched_off": _("Spento regolarmente"),
    "clock_bad": _("Orologio sbagliato"),
    # Network of an access point or totem
    "unreachable": _("Non risponde in rete"),
    "uplink_loss": _("Collegamento alla rete con perdite"),
    "uplink_slow": _("Collegamento alla rete lento"),
    "saturated": _("Utenti al limite della capienza"),
    "airtime_24_full": _("Canale a 2,4 GHz saturo"),
    "airtime_5_full": _("Canale a 5 GHz saturo"),
    # The box
    "hot_cpu": _("Processore caldo"),
    "very_hot_cpu": _("Processore troppo caldo"),
    "cpu_busy": _("Processore sempre occupato"),
    "memory_full": _("Memoria quasi esaurita"),
    "disk_full": _("Disco quasi pieno"),
    "storage_low": _("Spazio per i contenuti quasi esaurito"),
    "undervoltage": _("Alimentazione insufficiente"),
    # Totem
    "page_dead": _("La pagina non risponde"),
    "page_elsewhere": _("Mostra un sito che non è quello della pagina iniziale"),
    "display_off": _("Schermo spento quando dovrebbe essere acceso"),
    "touch_broken": _("Il tocco non funziona"),
    "touch_stuck": _("Il tocco è bloccato"),
    "hot_case": _("Interno del totem caldo"),
    "very_hot_case": _("Interno del totem troppo caldo"),
    "cold_case": _("Interno del totem troppo freddo"),
    "damp_case": _("Umidità nel totem"),
    "content_old": _("Contenuti non aggiornati"),
    "page_errors": _("Errori nella pagina"),
    "door_open": _("Sportello aperto"),
}


def cause_text(code: str) -> str:
    """The cause in the language now active; empty for a device that is well, the code itself for an unknown one."""
    return str(CAUSES.get(code, code))


@cache
def cause_texts(language: str) -> dict[str, str]:
    """Every cause in one language, as the statements that answer JSON take it."""
    with override(language):
        return {code: str(text) for code, text in CAUSES.items()}


UNITS = {
    **dict.fromkeys(("silent", "never_heard", "content_old"), "s"),
    **dict.fromkeys(("hot_cpu", "very_hot_cpu", "hot_case", "very_hot_case", "cold_case"), "°C"),
    **dict.fromkeys(("unreachable", "uplink_loss", "airtime_24_full", "airtime_5_full"), "%"),
    **dict.fromkeys(("cpu_busy", "memory_full", "disk_full", "damp_case"), "%"),
    "uplink_slow": "ms",
    "storage_low": "MB",
}
"""The unit of a cause's value and threshold; that of a measurement is its own, others are plain numbers."""
_SPANS = ((172_800, 86_400, "d"), (7_200, 3_600, "h"), (120, 60, "min"))
"""From so many seconds on, told in this unit."""


def measured_text(code: str, value: float | str | bool | None) -> str:
    """An evidence's value or threshold with its unit, in the language now active; empty for what has none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return gettext("sì") if value else gettext("no")
    if isinstance(value, str):
        return value
    unit = UNITS.get(code) or unit_of(code)
    if unit == "s":
        for least, size, name in _SPANS:
            if value >= least:
                value, unit = value / size, name
                break
    text = str(number_format(round(value, 1), use_l10n=True)).removesuffix(",0").removesuffix(".0")
    return f"{text} {unit}".strip()
