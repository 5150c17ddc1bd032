"""The words and units of what devices measure, by the contract's key: for charts and series."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MEASURES: dict[str, tuple[str | Promise, str]] = {
    "clients_24": (_("Utenti a 2,4 GHz"), ""),
    "clients_5": (_("Utenti a 5 GHz"), ""),
    "sessions": (_("Sessioni"), ""),
    "touches": (_("Tocchi"), ""),
    "sess_avg_s": (_("Durata media delle sessioni"), "s"),
    "page_alive": (_("Pagina viva"), ""),
    "disp_on": (_("Schermo acceso"), ""),
    "touch_ok": (_("Tocco funzionante"), ""),
    "cpu": (_("Processore"), "%"),
    "load1": (_("Carico"), ""),
    "mem": (_("Memoria"), "%"),
    "disk": (_("Disco"), "%"),
    "store_free": (_("Spazio libero"), "MB"),
    "temp_cpu": (_("Temperatura del processore"), "°C"),
    "temp_case": (_("Temperatura della cassa"), "°C"),
    "hum": (_("Umidità"), "%"),
    "rx_total": (_("Traffico ricevuto"), "bit/s"),
    "tx_total": (_("Traffico inviato"), "bit/s"),
    "rx_bps": (_("Traffico ricevuto, come misurato"), "bit/s"),
    "tx_bps": (_("Traffico inviato, come misurato"), "bit/s"),
    "loss": (_("Pacchetti persi"), "%"),
    "rtt": (_("Tempo di risposta della rete"), "ms"),
    "noise_24": (_("Rumore a 2,4 GHz"), "dBm"),
    "noise_5": (_("Rumore a 5 GHz"), "dBm"),
    "air_24": (_("Canale occupato a 2,4 GHz"), "%"),
    "air_5": (_("Canale occupato a 5 GHz"), "%"),
    "backlight": (_("Luminosità"), "%"),
    "volume": (_("Volume"), "%"),
    "door": (_("Sportello aperto"), ""),
    "undervolt": (_("Tensione bassa"), ""),
    "content_age_s": (_("Età dei contenuti"), "s"),
    "watchdog_resets": (_("Riavvii automatici"), ""),
    "err_js": (_("Errori della pagina"), ""),
}


def name_of(metric: str) -> str:
    """The words for a key, the key itself when there are none."""
    return str(MEASURES.get(metric, (metric, ""))[0])


def unit_of(metric: str) -> str:
    """Unit of the values of a series; of a counter, of its rate."""
    return MEASURES.get(metric, ("", ""))[1]
