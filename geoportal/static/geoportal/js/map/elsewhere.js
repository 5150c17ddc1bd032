/** What the map services of others say of a point, asked through our own WMS: its rights, time limits and errors hold. */
import { getJson } from '../page_data.js'

const AROUND_PX = 50
const MOST = 10
const EARTH_M = 20037508.342789244

/** The features that a cascaded layer has at `place` (longitude and latitude) at a zoom of the map. */
export async function askElsewhere(slug, place, zoom, signal) {
  const x = (place.lng / 180) * EARTH_M
  const y = (Math.log(Math.tan(Math.PI / 4 + (place.lat * Math.PI) / 360)) / Math.PI) * EARTH_M
  const reach = (AROUND_PX + 0.5) * ((2 * EARTH_M) / (512 * 2 ** zoom))
  const side = 2 * AROUND_PX + 1
  const query = new URLSearchParams({
    service: 'WMS', version: '1.3.0', request: 'GetFeatureInfo', layers: slug, query_layers: slug, styles: '', crs: 'EPSG:3857',
    bbox: [x - reach, y - reach, x + reach, y + reach].join(), width: side, height: side, i: AROUND_PX, j: AROUND_PX,
    info_format: 'application/json', feature_count: MOST,
  })
  const answer = await getJson(`/ogc/wms?${query}`, { signal })
  return answer.features.map((item) => ({ slug, fid: item.id, item, isElsewhere: true }))
}
