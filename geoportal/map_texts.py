"""Every text that the map's and the technicians' modules show, translated on the server: one place, one catalogue."""

from django.utils.translation import gettext as _


def map_texts() -> dict[str, str]:
    """Texts by the name the modules use. `{…}` parts are filled in the browser."""
    return {
        "mapLabel": _("Mappa della città"),
        "sourceFails": _("La fonte di questo livello ({office}) non risponde dal {since}. Si riprova da sé."),
        "layerFails": _("«{layer}» al momento non risponde: nuovo tentativo in corso."),
        "styleFails": _("Lo stile di «{layer}» non arriva: riprova tra poco."),
        "layerBack": _("«{layer}» è di nuovo disponibile."),
        "zoomIn": _("Ingrandisci per vedere questo livello"),
        "nothingHere": _("Nessun elemento in questo punto tra i livelli accesi."),
        "reading": _("Lettura in corso…"),
        "found": _("Elementi trovati: {count}"),
        "identifyTitle": _("Che cosa c'è qui"),
        "openItem": _("Scheda OGC dell'elemento"),
        "showOnMap": _("Mostra sulla mappa"),
        "itemGone": _("L'elemento non esiste più o non è accessibile."),
        "itemFails": _("Il servizio non risponde: riprova tra poco."),
        "noValue": _("–"),
        "yes": _("sì"),
        "no": _("no"),
        "sample": _("dati di esempio"),
        "home": _("Torna alla vista iniziale"),
        "position": _("Coordinate del puntatore"),
        "printedOn": _("Geoportale del Comune di Cremona, stampa del {date}"),
        "printedCredits": _("Fonti: {credits}"),
        "copied": _("Indirizzo copiato"),
        "copyFails": _("Copia l'indirizzo dalla barra del browser"),
        "noWebgl": _("Questo browser non può disegnare la mappa (manca WebGL): elenchi e servizi restano usabili."),
        **_search_texts(),
        **_device_texts(),
        **_control_texts(),
    }


def _search_texts() -> dict[str, str]:
    return {
        "searchCount": _("Risultati: {count}."),
        "searchNothing": _("Nessun risultato."),
        "searchApproximate": _("Alcune parole sono state corrette o tralasciate."),
        "searchFails": _("La ricerca non risponde: riprova tra poco."),
        "found_address": _("Indirizzo"),
        "found_street": _("Strada"),
        "found_sheet": _("Foglio catastale"),
        "found_parcel": _("Particella catastale"),
        "found_feature": "",
        "found_layer": _("Livello"),
        "found_coordinates": _("Coordinate"),
    }


def _device_texts() -> dict[str, str]:
    return {
        "live": _("in diretta"),
        "reconnecting": _("riconnessione…"),
        "stopped": _("aggiornamento sospeso"),
        "since": _("da {ago}, dal {moment}"),
        "neverSeen": _("mai"),
        "lastSeen": _("Ultimo contatto"),
        "why": _("Perché"),
        "evidence": _("Riscontri"),
        "state": _("Stato"),
        "place": _("Luogo"),
        "kind": _("Genere"),
        "approximate": _("posizione approssimata"),
        "ap": _("Punto di accesso Wi-Fi"),
        "totem": _("Totem"),
        "threshold": _("soglia {value}"),
        "noEvidence": _("Nessun riscontro negativo."),
        "code": _("Codice"),
        "details": _("Pagina per i tecnici"),
        "noDevices": _("Nessun dispositivo da mostrare."),
        "devicesFail": _("Lo stato dei dispositivi non è disponibile: nuovo tentativo in corso."),
        "changed": _("{name}: {state}"),
        "shownOf": _("{shown} di {total}"),
    }


def _control_texts() -> dict[str, str]:
    """MapLibre's own control labels, under MapLibre's own names."""
    return {
        "AttributionControl.ToggleAttribution": _("Mostra o nascondi le attribuzioni"),
        "FullscreenControl.Enter": _("Schermo intero"),
        "FullscreenControl.Exit": _("Esci da schermo intero"),
        "GeolocateControl.FindMyLocation": _("Trova la mia posizione"),
        "GeolocateControl.LocationNotAvailable": _("Posizione non disponibile"),
        "CooperativeGesturesHandler.WindowsHelpText": _("Ctrl e rotella ingrandiscono la mappa"),
        "CooperativeGesturesHandler.MacHelpText": _("⌘ e rotella ingrandiscono la mappa"),
        "CooperativeGesturesHandler.MobileHelpText": _("La mappa si muove con due dita"),
        "NavigationControl.ResetBearing": _("Riporta il nord in alto"),
        "NavigationControl.ZoomIn": _("Ingrandisci"),
        "NavigationControl.ZoomOut": _("Rimpicciolisci"),
        "Popup.Close": _("Chiudi"),
        "Map.Title": _("Mappa"),
    }
