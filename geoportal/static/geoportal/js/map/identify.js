/** What lies at a point: every feature of the layers that are on, grouped by layer, with the catalogue's field titles. */
import { el, fill, getJson } from '../page_data.js'
import { askElsewhere } from './elsewhere.js'

const REACH_PX = 6
const MOST = 24
const HIGHLIGHT = 'selection'

export function identify(map, { layers, panels, format, texts, onSelect }) {
  let reading = null
  let selected = ''

  map.addSource(HIGHLIGHT, { type: 'geojson', data: empty() })
  map.addLayer({ id: `${HIGHLIGHT}|fill`, type: 'fill', source: HIGHLIGHT, filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'fill-color': '#ff9900', 'fill-opacity': 0.12 } })
  map.addLayer({ id: `${HIGHLIGHT}|halo`, type: 'line', source: HIGHLIGHT, layout: { 'line-join': 'round' }, paint: { 'line-color': '#17324d', 'line-width': 5 } })
  map.addLayer({ id: `${HIGHLIGHT}|line`, type: 'line', source: HIGHLIGHT, layout: { 'line-join': 'round' }, paint: { 'line-color': '#ffb000', 'line-width': 3 } })
  map.addLayer({ id: `${HIGHLIGHT}|point`, type: 'circle', source: HIGHLIGHT, filter: ['==', ['geometry-type'], 'Point'], paint: { 'circle-radius': 10, 'circle-color': '#ffb000', 'circle-opacity': 0.3, 'circle-stroke-color': '#17324d', 'circle-stroke-width': 3 } })

  function begin() {
    reading?.abort()
    reading = new AbortController()
    return reading.signal
  }

  function found(point) {
    const box = [[point.x - REACH_PX, point.y - REACH_PX], [point.x + REACH_PX, point.y + REACH_PX]]
    const seen = new Set()
    return map.queryRenderedFeatures(box, { layers: layers.queryable() }).filter((feature) => {
      const key = `${feature.source}/${feature.id}`
      if (feature.id == null || feature.properties.cluster || seen.has(key)) return false
      seen.add(key)
      return true
    }).map((feature) => ({ slug: feature.source, fid: feature.id })).slice(0, MOST)
  }

  async function read({ slug, fid }, signal) {
    try {
      return { slug, fid, item: await getJson(itemUrl(slug, fid), { signal }) }
    } catch (error) {
      if (error.name === 'AbortError') throw error
      return { slug, fid, error: error.status === 404 ? texts.itemGone : texts.itemFails }
    }
  }

  function highlight(item) {
    map.getSource(HIGHLIGHT).setData(item?.geometry ? { type: 'Feature', properties: {}, geometry: item.geometry } : empty())
  }

  function choose(result) {
    // What only another service knows has no address of ours that could be shared.
    selected = result && !result.isElsewhere ? `${result.slug}/${result.fid}` : ''
    highlight(result?.item)
    for (const node of document.querySelectorAll('.found-item')) {
      node.setAttribute('aria-current', String(node.dataset.key === selected))
    }
  }

  function entry(result, isOpen) {
    const layer = layers.get(result.slug)
    const key = `${result.slug}/${result.fid}`
    const details = el('details', { class: 'found-item', 'data-key': key, open: isOpen }, el('summary', {}, nameOf(result, layer, format)))
    if (result.error) details.append(panels.note(result.error))
    else details.append(facts(result, layer, format))
    const isOurs = !result.error && !result.isElsewhere
    const belongs = el('div', { class: 'found-related' })
    if (isOurs) details.append(el('p', {}, el('a', { href: itemUrl(result.slug, result.fid, 'html') }, texts.openItem)), belongs)
    details.addEventListener('toggle', () => {
      if (details.open && isOurs) tellRelated(result, belongs)
      if (details.open && selected !== key) { choose(result); onSelect() }
    })
    return details
  }

  /** What the catalogue's relations say belongs to it: asked once, when it is looked at. */
  async function tellRelated({ slug, fid }, place) {
    if (place.dataset.asked) return
    place.dataset.asked = 'yes'
    const answer = await getJson(`/api/livelli/${encodeURIComponent(slug)}/elementi/${encodeURIComponent(fid)}/collegati`).catch(() => null)
    for (const group of answer?.related ?? []) {
      const rows = group.items.map(({ item, title }) => {
        const link = el('button', { type: 'button', class: 'link-button' }, title || `${group.layer.title} ${item}`)
        link.addEventListener('click', () => open([{ slug: group.layer.slug, fid: item }]))
        return el('li', {}, layers.has(group.layer.slug) ? link : title || item)
      })
      if (group.more) rows.push(el('li', {}, '…'))
      place.append(el('p', { class: 'found-related-title' }, group.title), el('ul', {}, ...rows))
    }
  }

  function sections(results, first) {
    const groups = new Map()
    for (const result of results) groups.set(result.slug, [...(groups.get(result.slug) ?? []), result])
    return [...groups].map(([slug, members]) => {
      const layer = layers.get(slug)
      const badge = layer.isSample ? el('span', { class: 'badge-sample' }, texts.sample) : null
      return el('section', { class: 'found-group' }, el('h3', {}, layer.title, ' ', badge), ...members.map((member) => entry(member, member === first)))
    })
  }

  /** What our own layers have; then, as it comes, what other services say: a slow one keeps nobody waiting. */
  async function show(results, awaited) {
    const count = panels.note(awaited.length && !results.length ? texts.reading : counted(results.length))
    const more = el('div', {})
    panels.showDetail(texts.identifyTitle, count, ...sections(results, results[0]), more)
    choose(results[0])
    let total = results.length
    await Promise.all(awaited.map(async (answer) => {
      const told = await answer
      more.append(...sections(told, total ? null : told[0]))
      total += told.length
      if (total) count.textContent = counted(total)
    }))
    if (!total) count.textContent = texts.nothingHere
  }

  const counted = (count) => fill(texts.found, { count })

  async function open(targets, telling = [], place = null) {
    const signal = begin()
    panels.showDetail(texts.identifyTitle, panels.note(texts.reading))
    try {
      const awaited = telling.map((slug) => askElsewhere(slug, place, map.getZoom(), signal).catch((error) => {
        if (error.name === 'AbortError') return []
        return [{ slug, fid: '', error: texts.itemFails, isElsewhere: true }]
      }))
      const results = await Promise.all(targets.map((target) => read(target, signal)))
      if (signal.aborted) return
      // The smallest first: who clicks on a house does not ask about the municipality around it.
      const shown = show(results.sort((a, b) => extent(a.item?.geometry) - extent(b.item?.geometry)), awaited)
      onSelect()
      await shown
    } catch (error) {
      if (error.name !== 'AbortError') throw error
    }
  }

  return {
    selected: () => selected,
    clear() { reading?.abort(); selected = ''; highlight(null) },
    async at(point) {
      const targets = found(point)
      const telling = layers.telling()
      if (targets.length || telling.length) return open(targets, telling, map.unproject(point))
      this.clear()
      panels.showDetail(texts.identifyTitle, panels.note(texts.nothingHere))
      onSelect()
    },
    /** Choose one feature by its address `slug/fid`, as a shared link does. */
    async select(key) {
      const slug = key.slice(0, key.indexOf('/'))
      if (layers.has(slug)) await open([{ slug, fid: key.slice(slug.length + 1) }])
    },
  }
}

/** Area of a geometry's bounding box in square degrees, only to compare by. */
function extent(geometry) {
  const box = [Infinity, Infinity, -Infinity, -Infinity]
  const walk = (part) => {
    if (typeof part[0] !== 'number') return part.forEach(walk)
    const [x, y] = part
    Object.assign(box, [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)])
  }
  for (const member of geometry?.geometries ?? [geometry]) if (member) walk(member.coordinates)
  return box[0] === Infinity ? Infinity : (box[2] - box[0]) * (box[3] - box[1])
}

const empty = () => ({ type: 'FeatureCollection', features: [] })

function itemUrl(slug, fid, format = 'json') {
  return `/ogc/collections/${encodeURIComponent(slug)}/items/${encodeURIComponent(fid)}?f=${format}`
}

function nameOf({ fid, item, isElsewhere }, layer, format) {
  if (isElsewhere) return Object.values(item?.properties ?? {}).find((value) => typeof value === 'string' && value) ?? layer.title
  const names = Object.keys(layer.fields).filter((name) => layer.fields[name].type === 'string')
  const likely = names.find((name) => /^(nome|name|denom|titolo|title|label|indirizzo)/.test(name) && item?.properties?.[name])
  return likely ? format.value(item.properties[likely]) : `${layer.title} ${fid}`
}

/** Columns of ours under the catalogue's titles; what others tell, under their own names. */
function facts({ item, isElsewhere }, layer, format) {
  const rows = Object.entries(item.properties ?? {}).flatMap(([name, value]) => {
    const field = isElsewhere ? {} : layer.fields[name]
    return field ? [el('dt', {}, field.title || name), el('dd', {}, format.value(value, field))] : []
  })
  return el('dl', { class: 'facts' }, ...rows)
}
