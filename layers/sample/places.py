"""Names the sample city uses: districts (the city's real ones, at rough places), odonyms of any Italian town."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class District:
    """A neighbourhood: its centre as metres from the Torrazzo, how far its village reaches, what it joined later."""

    name: str
    dx: float
    dy: float
    village: float = 0.0
    works: bool = False
    joined: str = ""
    """Name of the district it is part of in the current limits."""


DISTRICTS = (
    District("Centro", 0, 0, joined="Centro"),
    District("Risorgimento-Sant'Ambrogio-Incrociatello", -1250, 950, joined="Ovest"),
    District("Cambonino", -650, 1750, joined="Nord"),
    District("Boschetto-Migliaro", 350, 3300, 620, joined="Nord"),
    District("Zaist-Annona-Lucchini-Stadio", 900, 1250, joined="Nord"),
    District("Maristella", 2950, 2350, 600, joined="Est"),
    District("Borgo Loreto-San Bernardo", 1650, 550, joined="Est"),
    District("Cascinetto-Villetta-Concordia", 1450, -650, joined="Est"),
    District("Porta Romana-Largo Pagliari", 2350, -1500, 700, joined="Sud"),
    District("San Felice-San Savino", 4150, 250, 680, joined="Est"),
    District("Giordano-Cadore", 250, -1350, joined="Sud"),
    District("Bagnara-Battaglione-Gerre Borghi", 3300, -3000, 650, joined="Sud"),
    District("Po-Parco-Canottieri-Trebbia", -1500, -450, joined="Ovest"),
    District("Cavatigozzi-Picenengo-San Predengo", -4100, 1500, 760, works=True, joined="Ovest"),
)

_TOWNS = (
    "Ancona|Aosta|Arezzo|Asti|Bari|Belluno|Bergamo|Biella|Bologna|Bolzano|Brescia|Brindisi|Cagliari|Como|"
    "Cosenza|Crema|Cuneo|Faenza|Ferrara|Fidenza|Firenze|Foggia|Forlì|Genova|Gorizia|Grosseto|Imola|Imperia|"
    "Ivrea|Lecce|Lecco|Livorno|Lodi|Lucca|Mantova|Matera|Messina|Milano|Modena|Monza|Napoli|Novara|Padova|"
    "Palermo|Parma|Pavia|Perugia|Pesaro|Pescara|Piacenza|Pisa|Pistoia|Potenza|Prato|Ragusa|Ravenna|Rieti|"
    "Rimini|Roma|Rovigo|Salerno|Sassari|Savona|Siena|Sondrio|Spoleto|Taranto|Teramo|Terni|Torino|Trento|"
    "Treviso|Trieste|Udine|Varese|Venezia|Verbania|Vercelli|Verona|Vicenza|Viterbo|Casalmaggiore|Soresina|"
    "Soncino|Orzinuovi|Chiari|Treviglio|Codogno|Casalpusterlengo|Voghera|Vigevano|Tortona|Legnano|Gallarate|"
    "Rho|Saronno|Carpi|Mirandola|Guastalla|Viadana|Asola|Ostiglia|Suzzara"
)
_GREEN = (
    "degli Aceri|delle Acacie|dei Tigli|dei Platani|dei Pioppi|dei Gelsi|degli Olmi|delle Querce|dei Salici|dei Cedri|"
    "dei Carpini|dei Faggi|dei Frassini|degli Ontani|delle Betulle|dei Noci|dei Ciliegi|dei Peschi|dei Meli|dei Peri|"
    "delle Rose|dei Gigli|delle Viole|dei Gerani|delle Primule|delle Ginestre|dei Girasoli|delle Orchidee|dei Tulipani|"
    "delle Margherite|dei Papaveri|delle Camelie|delle Magnolie|degli Oleandri|dei Lillà|dei Gelsomini|del Glicine|"
    "della Robinia|del Bosco|del Prato|dei Campi|della Vigna|del Mulino|della Roggia|del Naviglio|dell'Argine|"
    "della Golena|del Porto|delle Fornaci|della Fornace Vecchia|della Cascina|dell'Aia|del Fienile|del Granaio|"
    "della Filanda|del Lino|della Canapa|del Grano|del Mais|dell'Orto|degli Orti|della Sorgente|della Fonte|"
    "del Fontanile|delle Rane|degli Aironi|delle Allodole|dei Merli|delle Rondini|dei Fringuelli|dei Gabbiani|"
    "delle Tortore|dell'Usignolo|del Falco|della Civetta|dei Cigni"
)
_MOUNTAINS = (
    "Monte Grappa|Monte Bianco|Monte Rosa|Monte Nero|Monte Santo|Monte Sabotino|Monte Cervino|Monte Baldo|"
    "Monte Adamello|Monte Ortles|Monte Pasubio|Monte Cimone|Po|Adda|Oglio|Serio|Mella|Chiese|Mincio|Adige|Piave|"
    "Isonzo|Tagliamento|Ticino|Trebbia|Taro|Secchia|Panaro|Reno|Arno|Tevere|Brenta|Sesia|Dora|Lago Maggiore|"
    "Lago di Garda|Lago d'Iseo|"
    "Lago di Como|Stelvio|Brennero|Tonale|Sempione|Adriatico|Tirreno|Ionio|Sardegna|Sicilia|Toscana|Umbria|Liguria|"
    "Piemonte|Veneto|Friuli|Marche|Abruzzo|Molise|Puglia|Calabria|Basilicata|Istria|Dalmazia|Carnia|Cadore|Garfagnana|"
    "Maremma|Lunigiana|Langhe|Monferrato|Valtellina|Brianza|Lomellina|Polesine"
)
_OLD = (
    "dei Mercanti|dei Fabbri|degli Orefici|dei Tintori|dei Calzolai|dei Conciatori|dei Sarti|dei Vasai|dei Pellai|"
    "delle Beccherie|dei Fornai|degli Speziali|dei Liutai|dei Cordai|dei Falegnami|dei Maniscalchi|dei Barcaioli|"
    "dei Pescatori|delle Lavandaie|del Macello Vecchio|del Sale|delle Erbe|del Vino|della Legna|della Paglia|"
    "del Mercato Vecchio|della Rocca|del Castello|delle Mura|del Bastione|della Porta Vecchia|del Fossato|della Torre|"
    "del Ponte|del Pozzo|della Colonna|dell'Arco|del Portico|della Loggia|del Palazzo|del Teatro|dell'Ospedale Vecchio|"
    "del Seminario|del Monastero|del Convento|della Canonica|del Campanile|delle Campane|della Misericordia|"
    "San Luca|San Marco|San Matteo|San Giovanni|San Pietro|San Paolo|Sant'Andrea|San Giacomo|San Filippo|"
    "San Bartolomeo|San Tommaso|San Simone|San Mattia|Santo Stefano|San Lorenzo|San Vincenzo|San Nicola|San Martino|"
    "San Michele|San Gabriele|San Raffaele|Sant'Antonio|San Francesco|San Domenico|Sant'Agostino|Sant'Agata|Sant'Anna|"
    "Santa Lucia|Santa Chiara|Santa Caterina|Santa Margherita|Santa Barbara|Santa Maria|San Rocco|San Sebastiano|"
    "San Giorgio|San Cristoforo|San Clemente|San Benedetto|San Bernardo|San Carlo|San Faustino|Sant'Egidio|San Siro"
)
_HISTORY = (
    "XX Settembre|IV Novembre|XXV Aprile|I Maggio|II Giugno|XI Febbraio|della Libertà|della Repubblica|"
    "della Costituzione|dell'Unità|del Risorgimento|della Resistenza|della Pace|del Lavoro|dell'Industria|"
    "dell'Agricoltura|del Commercio|"
    "dell'Artigianato|dell'Università|delle Scuole|della Stazione|dello Sport|del Cimitero|della Fiera|delle Nazioni|"
    "Europa|dei Mille|dei Martiri|degli Alpini|dei Bersaglieri|dei Caduti|dei Partigiani|Dante Alighieri|"
    "Francesco Petrarca|Giovanni Boccaccio|Ludovico Ariosto|Torquato Tasso|Alessandro Manzoni|Giacomo Leopardi|"
    "Ugo Foscolo|Giosuè Carducci|Giovanni Pascoli|Giuseppe Verdi|Gioachino Rossini|Vincenzo Bellini|Gaetano Donizetti|"
    "Giacomo Puccini|Antonio Vivaldi|Claudio Monteverdi|Amilcare Ponchielli|Antonio Stradivari|Leonardo da Vinci|"
    "Michelangelo Buonarroti|Raffaello Sanzio|Tiziano Vecellio|Sandro Botticelli|Giotto|Andrea Mantegna|"
    "Galileo Galilei|Alessandro Volta|Luigi Galvani|Guglielmo Marconi|Evangelista Torricelli|Giuseppe Garibaldi|"
    "Giuseppe Mazzini|Camillo Cavour|Goffredo Mameli|Daniele Manin|Carlo Cattaneo|Cristoforo Colombo|Marco Polo|"
    "Amerigo Vespucci"
)

OLD_TOWN_NAMES = tuple(_OLD.split("|"))
TOWN_NAMES = (*_HISTORY.split("|"), *_TOWNS.split("|"), *_GREEN.split("|"), *_MOUNTAINS.split("|"))
RADIAL_NAMES = (
    "Milano", "Bergamo", "Brescia", "Mantova", "Casalmaggiore", "Giuseppina", "del Po", "Piacenza", "Castelleone",
    "Ostiano", "Persico",
)  # fmt: skip
