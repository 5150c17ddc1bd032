/** The map page: makes the map and ties its parts together. Each part is a module of its own. */
import { Map as MapLibreMap, setWorkerUrl } from 'maplibre-gl'
import { awake, fill, pageData } from '../page_data.js'
import { formats } from '../format.js'
import { searchBox } from '../search.js'
import { addControls } from './controls.js'
import { showCoordinates } from './coordinates.js'
import { showDevices } from './devices.js'
import { goToFound } from './found.js'
import { identify } from './identify.js'
import { supplyImages } from './images.js'
import { escaped, mapLayers } from './layers.js'
import { panels as makePanels } from './panels.js'
import { printable } from './print.js'
import { tellRest } from './rest.js'
import { followAddress, parseState } from './state.js'
import { styleChoice } from './styles.js'
import { followTree } from './tree.js'

const config = pageData('map-config')
const { texts } = config
setWorkerUrl(new URL(config.workerUrl, location.href).href)

/** Nothing but paper, and the operator's base map where one is set. */
function baseStyle({ url, attribution }) {
  const style = { version: 8, sources: {}, layers: [{ id: 'background', type: 'background', paint: { 'background-color': '#f6f4ef' } }] }
  if (url) {
    style.sources.basemap = { type: 'raster', tiles: [url], tileSize: 256, attribution: escaped(attribution) }
    style.layers.push({ id: 'basemap', type: 'raster', source: 'basemap' })
  }
  return style
}

function makeMap() {
  const { view } = parseState(location.hash)
  const position = view ? { center: [view.lon, view.lat], zoom: view.zoom } : { bounds: config.home }
  return new MapLibreMap({
    container: 'map',
    style: baseStyle(config.basemap),
    ...position,
    maxZoom: 22,
    locale: { ...texts, 'Map.Title': texts.mapLabel },
    attributionControl: { compact: true },
    dragRotate: false,
    pitchWithRotate: false,
    fadeDuration: 100,
  })
}

/** Where a layer comes from another office's server, say since when that one has not answered. */
async function tellSince(layer, note) {
  const answer = await fetch('/api/fonti').then((found) => (found.ok ? found.json() : null), () => null)
  const source = answer?.sources.find((one) => one.layer?.slug === layer.slug && one.health === 'failing')
  if (!source || !note || note.hidden) return
  const since = new Intl.DateTimeFormat(config.language, { dateStyle: 'short', timeStyle: 'short' }).format(new Date(source.since))
  note.textContent = fill(texts.sourceFails, { office: source.office || source.title, since })
}

function start(map) {
  const format = formats(config.language, texts)
  const notices = document.getElementById('notices')
  const layers = mapLayers(map, config.layers, {
    onTrouble(layer, isFailing) {
      const id = `trouble-${layer.slug}`
      document.getElementById(id)?.remove()
      const note = document.querySelector(`[data-state-of="${CSS.escape(layer.slug)}"]`)
      const text = isFailing ? fill(texts.layerFails, { layer: layer.title }) : ''
      if (note) { note.hidden = !isFailing; note.textContent = text }
      if (!isFailing) return
      if (layer.hasSource) tellSince(layer, note)
      const line = document.createElement('p')
      line.id = id
      line.textContent = text
      notices.append(line)
    },
  })
  supplyImages(map, config.marks)
  const drawing = tellRest(map, document.getElementById('map'))

  let address = { moved() {}, chose() {} }
  const forget = () => { found.clear(); devices.clear() }
  const panels = makePanels({ onDetailClosed() { forget(); address.chose() } })
  const found = identify(map, { layers, panels, format, texts, onSelect: () => { devices.clear(); address.chose() } })
  const devices = showDevices(map, config, { layers, panels, format, onSelect: () => { found.clear(); address.chose() } })

  const tree = followTree(map, { layers, config, onChange: () => { drawing(); devices.refresh(); address.moved() } })
  const styles = styleChoice({ layers, texts, onChange: () => { drawing(); address.moved() } })

  function select(key) {
    if (key === (found.selected() || devices.selected())) return
    if (!key) panels.closeDetail()
    else if (key.startsWith('devices/')) devices.select(key.slice('devices/'.length))
    else found.select(key)
  }
  function apply({ view, layers: wanted, styles: worn, selected }) {
    if (wanted) { tree.apply(wanted); styles.apply(worn) }
    if (view) map.jumpTo({ center: [view.lon, view.lat], zoom: view.zoom })
    select(selected)
  }
  const first = parseState(location.hash)
  tree.apply(first.layers ?? new Map(config.layers.filter((layer) => layer.shown).map((layer) => [layer.slug, 100])))
  styles.apply(first.styles)
  select(first.selected)

  address = followAddress({
    read: () => ({ view: { zoom: map.getZoom(), lat: map.getCenter().lat, lon: map.getCenter().lng }, layers: layers.shown, styles: styles.chosen, selected: found.selected() || devices.selected() }),
    apply,
  })
  map.on('moveend', address.moved)
  map.on('click', (event) => { if (!devices.at(event.point)) found.at(event.point) })
  // Enter asks about the middle of the map, where a reader with a keyboard has moved it.
  map.getCanvas().addEventListener('keydown', (event) => { if (event.key === 'Enter') found.at(map.project(map.getCenter())) })
  map.getCanvas().setAttribute('aria-label', texts.mapLabel)
  showCoordinates(map, { format })
  printable(map, config)
  searchBox({ url: config.search, language: config.language, texts, onChoose: goToFound(map, { config, layers, tree, select, panels }) })
  awake()
  document.documentElement.dataset.map = 'ready'
  return map
}

function share() {
  const button = document.getElementById('share')
  const label = button.querySelector('span')
  const usual = label.textContent
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(location.href)
      label.textContent = texts.copied
    } catch {
      label.textContent = texts.copyFails
    }
    setTimeout(() => { label.textContent = usual }, 3000)
  })
}

/** A change of language keeps what the map shows: the address after `#` never reaches the server. */
function keepPlaceAcrossLanguages() {
  const form = document.querySelector('[data-keep-hash]')
  form?.addEventListener('submit', () => { form.elements.next.value = location.pathname + location.search + location.hash })
}

share()
keepPlaceAcrossLanguages()
try {
  const map = makeMap()
  addControls(map, config)
  map.once('style.load', () => start(map))
} catch (error) {
  document.getElementById('map').textContent = texts.noWebgl
  throw error
}
