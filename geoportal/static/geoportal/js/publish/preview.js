/** The first features of each layer on the map of the city, so that a wrong system shows itself. */
import { LngLatBounds, Map as MapLibreMap, NavigationControl, setWorkerUrl } from 'maplibre-gl'
import { supplyImages } from '../map/images.js'

const RED = '#b3001b'

export function previewLayers(config) {
  setWorkerUrl(new URL(config.workerUrl, location.href).href)
  // A browser holds few WebGL contexts: a map is made when it comes into view.
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue
      seen.unobserve(target)
      preview(target, config)
    }
  }, { rootMargin: '200px' })
  for (const place of document.querySelectorAll('[data-preview]')) seen.observe(place)
}

function preview(place, config) {
  const key = place.dataset.preview
  const [west, south, east, north] = config.city
  const bounds = new LngLatBounds([west, south], [east, north])
  const box = config.boxes[key]
  if (box) bounds.extend([box[0], Math.max(-85, box[1])]).extend([box[2], Math.min(85, box[3])])
  const map = new MapLibreMap({
    container: place, style: config.style, bounds, fitBoundsOptions: { padding: 30 }, dragRotate: false, fadeDuration: 0,
    locale: config.texts, attributionControl: { compact: true },
  })
  map.addControl(new NavigationControl({ showCompass: false }))
  supplyImages(map, {})
  map.once('load', () => {
    const ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    map.addSource('city', { type: 'geojson', data: { type: 'LineString', coordinates: ring } })
    map.addLayer({ id: 'city', type: 'line', source: 'city', paint: { 'line-color': '#17324d', 'line-width': 2, 'line-dasharray': [3, 2] } })
    const features = config.previews[key].map((geometry) => ({ type: 'Feature', properties: {}, geometry }))
    if (!features.length && box) features.push(boxFeature(box))
    if (box) {
      // A building a thousand kilometres away would be smaller than a pixel.
      map.addSource('middle', { type: 'geojson', data: { type: 'Point', coordinates: [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2] } })
      map.addLayer({ id: 'middle', type: 'circle', source: 'middle', paint: { 'circle-opacity': 0, 'circle-radius': 14, 'circle-stroke-color': RED, 'circle-stroke-width': 2 } })
    }
    map.addSource('preview', { type: 'geojson', data: { type: 'FeatureCollection', features } })
    map.addLayer({ id: 'areas', type: 'fill', source: 'preview', filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'fill-color': RED, 'fill-opacity': 0.25 } })
    map.addLayer({ id: 'lines', type: 'line', source: 'preview', filter: ['!=', ['geometry-type'], 'Point'], paint: { 'line-color': RED, 'line-width': 1.5 } })
    map.addLayer({ id: 'points', type: 'circle', source: 'preview', filter: ['==', ['geometry-type'], 'Point'], paint: { 'circle-color': RED, 'circle-radius': 4, 'circle-stroke-color': '#fff', 'circle-stroke-width': 1 } })
    map.once('idle', () => { place.dataset.state = 'ready' })
  })
}

function boxFeature([west, south, east, north]) {
  return { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] } }
}
