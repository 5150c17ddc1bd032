/** Devices on the map, in the list and in the panel: read at the start, then followed live. */
import { el, fill, getJson } from '../page_data.js'
import { followDevices } from '../live.js'
import { markSvg } from '../marks.js'

const SOURCE = 'devices'

export function showDevices(map, config, { layers, panels, format, onSelect }) {
  const { texts, marks, devices: urls } = config
  const kinds = new Map(config.layers.filter((layer) => layer.deviceKind).map((layer) => [layer.deviceKind, layer.slug]))
  const known = new Map()
  let selected = ''
  let pending = false
  if (!kinds.size) return { selected: () => '', clear() {}, refresh() {}, select() {}, at: () => false }

  map.addSource(SOURCE, { type: 'geojson', data: { type: 'FeatureCollection', features: [] } })
  map.addLayer({ id: `${SOURCE}|halo`, type: 'circle', source: SOURCE, filter: ['==', ['get', 'isApproximate'], true], minzoom: 14, paint: { 'circle-radius': ['interpolate', ['exponential', 2], ['zoom'], 14, 8, 18, 120], 'circle-color': '#5a6772', 'circle-opacity': 0.08, 'circle-stroke-color': '#5a6772', 'circle-stroke-width': 1, 'circle-stroke-opacity': 0.6 } })
  map.addLayer({ id: `${SOURCE}|mark`, type: 'symbol', source: SOURCE, layout: { 'icon-image': ['concat', 'device|', ['get', 'health'], '|', ['get', 'kind']], 'icon-size': ['interpolate', ['linear'], ['zoom'], 11, 0.55, 15, 1], 'icon-allow-overlap': true, 'icon-ignore-placement': true, 'symbol-sort-key': ['get', 'order'] } })
  map.addLayer({ id: `${SOURCE}|name`, type: 'symbol', source: SOURCE, minzoom: 15.5, layout: { 'text-field': ['get', 'name'], 'text-font': ['Titillium Web'], 'text-size': 12, 'text-offset': [0, 1.7], 'text-anchor': 'top', 'text-max-width': 9 }, paint: { 'text-color': '#17324d', 'text-halo-color': '#ffffff', 'text-halo-width': 1.5 } })

  const isShown = (device) => layers.shown.has(kinds.get(device.kind))
  const weight = (device) => (marks[device.health] ?? marks.unknown).weight
  const feature = (device) => ({
    type: 'Feature',
    geometry: { type: 'Point', coordinates: [device.lon, device.lat] },
    properties: { devid: device.devid, name: device.name, health: device.health in marks ? device.health : 'unknown', kind: device.kind, order: -weight(device), isApproximate: device.position_quality === 'approximate' },
  })

  /** Draw at most once per frame, however many messages came. */
  function refresh() {
    if (pending) return
    pending = true
    requestAnimationFrame(() => {
      pending = false
      const shown = [...known.values()].filter(isShown)
      map.getSource(SOURCE).setData({ type: 'FeatureCollection', features: shown.map(feature) })
      list(shown)
      if (selected && known.has(selected)) panel(known.get(selected))
    })
  }

  function list(shown) {
    const section = document.getElementById('device-list')
    const items = document.getElementById('device-items')
    const focused = document.activeElement?.dataset?.devid
    section.hidden = false
    const counts = Object.entries(marks).sort((a, b) => a[1].weight - b[1].weight).map(([health, mark]) => [health, mark, shown.filter((device) => device.health === health).length])
    document.getElementById('device-counts').replaceChildren(...counts.filter(([, , count]) => count).map(([, mark, count]) => el('span', {}, markSvg(mark, 18), `${mark.text}: ${count}`)))
    const sorted = shown.sort((a, b) => weight(a) - weight(b) || a.name.localeCompare(b.name))
    items.replaceChildren(...sorted.map((device) => {
      const mark = marks[device.health] ?? marks.unknown
      const badge = device.is_sample ? el('span', { class: 'badge-sample' }, texts.sample) : null
      return el('li', {}, el('button', { type: 'button', 'data-devid': device.devid, 'data-health': device.health }, markSvg(mark, 22), el('span', {}, el('strong', {}, device.name), ` – ${mark.text} `, badge)))
    }))
    if (focused) items.querySelector(`[data-devid="${CSS.escape(focused)}"]`)?.focus()
    if (!shown.length) items.append(el('li', { class: 'map-note' }, texts.noDevices))
  }

  function panel(device, extra) {
    const body = document.getElementById('detail-body')
    const kept = extra ?? body.querySelector('[data-device-extra]')
    panels.showDetail(device.name, summary(device, config, format), kept ?? el('div', { 'data-device-extra': true }))
  }

  async function detail(devid) {
    try {
      const device = await getJson(urls.one.replace('{devid}', encodeURIComponent(devid)))
      if (selected === devid) panel(known.get(devid) ?? device, evidence(device, config, format))
    } catch (error) {
      if (selected === devid) panel(known.get(devid), el('div', { 'data-device-extra': true }, panels.note(error.status === 404 ? texts.itemGone : texts.itemFails)))
    }
  }

  function open(devid, { fly = false } = {}) {
    const device = known.get(devid)
    if (!device) return
    selected = devid
    panel(device, el('div', { 'data-device-extra': true }, panels.note(texts.reading)))
    detail(devid)
    if (fly) map.easeTo({ center: [device.lon, device.lat], offset: [0, -panels.coveredBelow() / 2], zoom: Math.max(map.getZoom(), 16) })
    onSelect()
  }

  document.getElementById('device-items').addEventListener('click', (event) => {
    const button = event.target.closest('[data-devid]')
    if (button) open(button.dataset.devid, { fly: true })
  })

  const apply = (devices) => devices.forEach((device) => known.set(device.devid, device))
  let wanted = ''
  const stateNote = document.getElementById('stream-state')
  const stop = followDevices(urls.events, {
    async onOpen() {
      const { devices } = await getJson(urls.list)
      known.clear()
      apply(devices)
      refresh()
      if (wanted) { const devid = wanted; wanted = ''; open(devid) }
      else if (selected) detail(selected)
    },
    onDevices(devices) {
      apply(devices)
      refresh()
      if (devices.some((device) => device.devid === selected)) detail(selected)
    },
    onState(state) {
      stateNote.dataset.state = state
      stateNote.textContent = texts[state]
    },
  })
  addEventListener('pagehide', stop, { once: true })
  setInterval(() => { for (const node of document.querySelectorAll('time[data-ago]')) node.textContent = format.ago(node.getAttribute('datetime')) }, 10_000)

  return {
    selected: () => (selected ? `devices/${selected}` : ''),
    clear() { selected = '' },
    refresh,
    select(devid) { if (known.has(devid)) open(devid); else wanted = devid },
    /** Open the device under a point; false when there is none. */
    at(point) {
      const box = [[point.x - 6, point.y - 6], [point.x + 6, point.y + 6]]
      const [hit] = map.queryRenderedFeatures(box, { layers: [`${SOURCE}|mark`] })
      if (hit) open(hit.properties.devid)
      return Boolean(hit)
    },
  }
}

function summary(device, { texts, marks }, format) {
  const mark = marks[device.health] ?? marks.unknown
  const rows = [
    [texts.why, device.cause_text],
    [texts.place, device.place],
    [texts.kind, texts[device.kind]],
    [texts.lastSeen, device.last_seen_at ? format.moment(device.last_seen_at) : texts.neverSeen],
    [texts.code, device.devid],
  ]
  const since = device.since ? el('p', {}, ...sinceNodes(texts.since, device.since, format)) : null
  return el('div', { class: 'device-summary', 'data-health': device.health },
    el('p', { class: 'device-state' }, markSvg(mark, 28), mark.text),
    since,
    device.is_sample ? el('p', {}, el('span', { class: 'badge-sample' }, texts.sample)) : null,
    device.position_quality === 'approximate' ? el('p', { class: 'map-note' }, texts.approximate) : null,
    el('dl', { class: 'facts' }, ...rows.filter(([, value]) => value).flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])))
}

/** "for 3 minutes, since 14 Nov 2026, 10:02", with the first part kept current. */
function sinceNodes(text, since, format) {
  return text.split(/(\{\w+\})/).map((part) => {
    if (part === '{ago}') return el('time', { datetime: since, 'data-ago': true }, format.ago(since))
    return part === '{moment}' ? format.moment(since) : part
  })
}

const shown = (value, format) => format.value(value, { type: typeof value === 'number' ? 'number' : 'string' })

function evidence(device, { texts }, format) {
  const items = (device.evidence ?? []).map((entry) => el('li', {},
    entry.text ?? entry.code,
    entry.value != null ? `: ${shown(entry.value, format)}` : '',
    entry.threshold != null ? ` (${fill(texts.threshold, { value: shown(entry.threshold, format) })})` : '',
    entry.since ? ` – ${format.moment(entry.since)}` : ''))
  return el('div', { 'data-device-extra': true },
    el('h3', { class: 'h6' }, texts.evidence),
    items.length ? el('ul', {}, ...items) : el('p', { class: 'map-note' }, texts.noEvidence))
}
