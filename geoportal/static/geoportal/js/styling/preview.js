/** The layer on a map, drawn as the server compiled the style that is being made. */
import { Map as MapLibreMap, NavigationControl, setWorkerUrl } from 'maplibre-gl'
import { supplyImages } from '../map/images.js'
import { escaped } from '../map/layers.js'

const HALF_WORLD_M = 20037508.342789244

export function stylePreview(place, config, ask) {
  setWorkerUrl(new URL(config.workerUrl, location.href).href)
  const style = { version: 8, sources: {}, layers: [{ id: 'background', type: 'background', paint: { 'background-color': '#f6f4ef' } }] }
  const { url, attribution } = config.basemap
  if (url) {
    style.sources.basemap = { type: 'raster', tiles: [url], tileSize: 256, attribution: escaped(attribution) }
    style.layers.push({ id: 'basemap', type: 'raster', source: 'basemap' })
  }
  const map = new MapLibreMap({
    container: place, style, bounds: config.bbox, fitBoundsOptions: { padding: 30 }, maxZoom: 22, dragRotate: false, fadeDuration: 0,
    locale: config.texts, attributionControl: { compact: true },
  })
  map.addControl(new NavigationControl({ showCompass: false }))
  supplyImages(map, {})
  const loaded = new Promise((done) => { map.once('load', done) })
  let held = ''
  let last = null
  let reading = null
  let turn = 0

  /** Where the layer's features come from: tiles with the attributes that the style needs, or all of them for clusters. */
  function sourceOf(clusters, spec) {
    if (clusters) return { ...clusters, data: new URL(clusters.data, location.origin).href }
    const names = [spec.field, spec.label?.field].filter(Boolean)
    const chosen = names.length ? `&properties=${names.map(encodeURIComponent).join(',')}` : ''
    const tiles = `${location.origin}${config.tiles}${chosen}`
    return { type: 'vector', tiles: [tiles], minzoom: config.minZoom, maxzoom: config.tileMaxZoom, bounds: config.bbox }
  }

  /** What is drawn is no longer the style: `data-state` says so until it is drawn anew. Returns whether that still holds. */
  function expect() {
    const mine = ++turn
    place.dataset.state = 'drawing'
    return () => mine === turn
  }

  function fail() {
    place.dataset.state = 'failed'
  }

  async function draw(found, spec) {
    const isWanted = expect()
    await loaded
    if (!isWanted()) return
    last = spec
    if (config.drawn === 'raster') await picture()
    else shapes(found, spec)
    if (!isWanted() || place.dataset.state === 'failed') return
    map.once('idle', () => { if (isWanted()) place.dataset.state = 'ready' })
    map.triggerRepaint()
  }

  function shapes({ layers, clusters }, spec) {
    const source = sourceOf(clusters, spec)
    for (const { id, source: name } of map.getStyle().layers) if (name === config.slug) map.removeLayer(id)
    if (JSON.stringify(source) !== held) {
      if (map.getSource(config.slug)) map.removeSource(config.slug)
      map.addSource(config.slug, source)
      held = JSON.stringify(source)
    }
    for (const layer of layers) map.addLayer(layer)
  }

  /** A raster is drawn by the server for what the map shows now. */
  async function picture() {
    reading?.abort()
    reading = new AbortController()
    const bounds = map.getBounds()
    const [west, south] = metres(bounds.getSouthWest())
    const [east, north] = metres(bounds.getNorthEast())
    const { clientWidth: width, clientHeight: height } = place
    try {
      const blob = await ask('picture', { spec: last, box: [west, south, east, north], width, height }, { asBlob: true, signal: reading.signal })
      if (map.getLayer('picture')) map.removeLayer('picture')
      if (map.getSource('picture')) map.removeSource('picture')
      if (!blob) return
      const corners = [[bounds.getWest(), bounds.getNorth()], [bounds.getEast(), bounds.getNorth()], [bounds.getEast(), bounds.getSouth()], [bounds.getWest(), bounds.getSouth()]]
      // A canvas, since the page's policy lets no script fetch a blob.
      const canvas = document.createElement('canvas')
      const bitmap = await createImageBitmap(blob)
      canvas.width = bitmap.width
      canvas.height = bitmap.height
      canvas.getContext('2d').drawImage(bitmap, 0, 0)
      map.addSource('picture', { type: 'canvas', canvas, animate: false, coordinates: corners })
      map.addLayer({ id: 'picture', type: 'raster', source: 'picture', paint: { 'raster-opacity': last.opacity ?? 1, 'raster-fade-duration': 0 } })
    } catch (error) {
      if (error.name !== 'AbortError') fail()
    }
  }

  if (config.drawn === 'raster') map.on('moveend', () => { if (last) picture() })
  return { draw, expect, fail, map }
}

function metres({ lng, lat }) {
  const y = Math.log(Math.tan(Math.PI / 4 + (Math.max(-85, Math.min(85, lat)) * Math.PI) / 360))
  return [(lng * HALF_WORLD_M) / 180, (y * HALF_WORLD_M) / Math.PI]
}
