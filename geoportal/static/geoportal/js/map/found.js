/** What happens on the map when a result of the search is chosen: it is gone to, shown and marked. */
import { Marker } from 'maplibre-gl'
import { getJson } from '../page_data.js'

const ZOOM = { address: 18, parcel: 18, feature: 17, street: 16, sheet: 15, coordinates: 17 }

export function goToFound(map, { config, layers, tree, select, panels }) {
  let marker = null
  const clear = () => { marker?.remove(); marker = null }

  function go({ kind, bbox, lon, lat, item }) {
    const covered = item ? panels.coveredBelow() : 0
    if (bbox) map.fitBounds(bbox, { padding: { top: 60, right: 60, bottom: Math.max(60, covered), left: 60 }, maxZoom: 18, duration: 800 })
    else if (lon != null) map.flyTo({ center: [lon, lat], offset: [0, -covered / 2], zoom: Math.max(map.getZoom(), ZOOM[kind] ?? 16), duration: 800 })
  }

  function mark({ lon, lat, title }) {
    if (lon == null) return
    marker = new Marker({ color: '#b3005e' }).setLngLat([lon, lat]).addTo(map)
    marker.getElement().setAttribute('aria-label', title)
  }

  async function open({ layer, item, href }) {
    const known = config.layers.find(({ slug }) => slug === layer.slug)
    if (!known) return
    if (!known.deviceKind) return select(`${layer.slug}/${item}`)
    try {
      const { properties } = await getJson(`${href}?f=json`)
      if (properties.devid) select(`devices/${properties.devid}`)
    } catch (error) {
      if (!error.status) throw error
    }
  }

  function turnOn(slug) {
    if (config.layers.some((layer) => layer.slug === slug) && !layers.shown.has(slug)) tree.apply(new Map([...layers.shown, [slug, 100]]))
  }

  /** Go to one result of `/api/cerca`. */
  return async function choose(result) {
    clear()
    if (result.layer) turnOn(result.layer.slug)
    if (result.kind === 'layer') panels.closeDetail()
    // The card takes room from the map: the middle to go to is that of what is left.
    const opening = result.item ? open(result) : null
    map.resize()
    go(result)
    if (result.kind !== 'layer') mark(result)
    await opening
  }
}
