/** The pointer's position in the system the reader chose; the map's centre while there is no pointer. */
import 'proj4'

const { proj4 } = globalThis
const SYSTEMS = {
  4326: { digits: 6, order: ([lon, lat]) => [lat, lon] },
  32632: { definition: '+proj=utm +zone=32 +datum=WGS84 +units=m +no_defs', digits: 1 },
  3003: { definition: '+proj=tmerc +lat_0=0 +lon_0=9 +k=0.9996 +x_0=1500000 +y_0=0 +ellps=intl +towgs84=-104.1,-49.1,-9.9,0.971,-2.917,0.714,-11.68 +units=m +no_defs', digits: 0 },
  3857: { definition: '+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m +nadgrids=@null +no_defs', digits: 1 },
}

/** Longitude and latitude in WGS84 degrees to a system, in the order its axes are usually read: north first in 4326. */
export function transformed(code, lon, lat) {
  const { definition, order = (pair) => pair } = SYSTEMS[code]
  return order(definition ? proj4('EPSG:4326', definition, [lon, lat]) : [lon, lat])
}

export function showCoordinates(map, { format }) {
  const output = document.getElementById('coordinates')
  const choice = document.getElementById('crs')
  let last = map.getCenter()
  const write = () => {
    const { digits } = SYSTEMS[choice.value]
    output.textContent = transformed(choice.value, last.lng, last.lat).map((value) => format.number(value, digits)).join('  ')
  }
  map.on('mousemove', (event) => { last = event.lngLat; write() })
  map.on('moveend', () => { last = map.getCenter(); write() })
  choice.addEventListener('change', write)
  write()
}
