/** The catalogue's layers on the map: order, switches, opacity, and what happens when a service fails. */
const RANK = { raster: 0, polygon: 1, line: 2, point: 3 }
const OPACITIES = {
  fill: ['fill-opacity'], line: ['line-opacity'], raster: ['raster-opacity'], circle: ['circle-opacity', 'circle-stroke-opacity'],
  heatmap: ['heatmap-opacity'],
  symbol: ['icon-opacity', 'text-opacity'],
}
const LONGEST_PAUSE_MS = 20_000

/** `onTrouble(layer, isFailing)` tells when a layer's service stops answering and when it is back. */
export function mapLayers(map, layers, { onTrouble }) {
  const bySlug = new Map(layers.map((layer) => [layer.slug, layer]))
  const shown = new Map()
  const failing = new Map()

  // The tree reads from the top: what stands first in it is drawn last within its kind, and texts over everything.
  const ordered = [...layers].reverse().sort((a, b) => RANK[a.drawn] - RANK[b.drawn])
  const isText = (style) => style.id.endsWith('label')
  for (const layer of ordered.filter((layer) => !layer.deviceKind)) map.addSource(layer.slug, sourceOf(layer))
  const styles = ordered.filter((layer) => !layer.deviceKind).flatMap((layer) => layer.style)
  for (const style of [...styles.filter((s) => !isText(s)), ...styles.filter(isText)]) {
    map.addLayer({ ...style, layout: { ...style.layout, visibility: 'none' } })
  }

  /** Style layers in the order of the map, texts over everything. */
  function sequence() {
    const all = ordered.flatMap((layer) => stylesOf(layer.slug))
    return [...all.filter((style) => !isText(style)), ...all.filter(isText)]
  }

  /** Draw a layer by other rules, in its place among the others: `look` is its style, tiles and clusters. */
  function restyle(slug, look) {
    const layer = bySlug.get(slug)
    const before = JSON.stringify(sourceOf(layer))
    const ids = map.getLayersOrder()
    const above = ids[Math.max(...sequence().map((style) => ids.indexOf(style.id))) + 1]
    for (const style of stylesOf(slug)) map.removeLayer(style.id)
    Object.assign(layer, look)
    if (JSON.stringify(sourceOf(layer)) !== before) {
      map.removeSource(slug)
      map.addSource(slug, sourceOf(layer))
    }
    const wanted = sequence()
    const own = new Set(layer.style.map((style) => style.id))
    for (const [place, style] of wanted.entries()) {
      if (!own.has(style.id)) continue
      const next = wanted.slice(place + 1).find((other) => !own.has(other.id))
      map.addLayer({ ...style, layout: { ...style.layout, visibility: 'none' } }, next?.id ?? above)
    }
    if (shown.has(slug)) show(slug)
  }

  const stylesOf = (slug) => bySlug.get(slug)?.deviceKind ? [] : bySlug.get(slug)?.style ?? []
  const dim = (base, factor) => (typeof base === 'number' ? base * factor : ['*', base ?? 1, factor])

  function fade(slug, percent) {
    for (const style of stylesOf(slug)) {
      for (const name of OPACITIES[style.type] ?? []) {
        if (name === 'icon-opacity' && !style.layout?.['icon-image']) continue
        if (name === 'text-opacity' && !style.layout?.['text-field']) continue
        map.setPaintProperty(style.id, name, dim(style.paint?.[name] ?? 1, percent / 100))
      }
    }
  }

  function show(slug, percent = shown.get(slug) ?? 100) {
    if (!bySlug.has(slug)) return
    shown.set(slug, percent)
    for (const style of stylesOf(slug)) map.setLayoutProperty(style.id, 'visibility', 'visible')
    fade(slug, percent)
  }

  function hide(slug) {
    shown.delete(slug)
    for (const style of stylesOf(slug)) map.setLayoutProperty(style.id, 'visibility', 'none')
    settled(slug)
  }

  function settled(slug) {
    const trouble = failing.get(slug)
    if (!trouble) return
    clearTimeout(trouble.timer)
    failing.delete(slug)
    onTrouble(bySlug.get(slug), false)
  }

  function failed(slug, url) {
    if (failing.has(slug)) return
    failing.set(slug, { tries: 0, timer: null, url })
    onTrouble(bySlug.get(slug), true)
    askLater(slug)
  }

  /** Ask for one failed tile now and then; when it comes, the layer is well and all its tiles are asked for again. */
  function askLater(slug) {
    const trouble = failing.get(slug)
    const pause = Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** trouble.tries++) * (0.5 + Math.random() / 2)
    trouble.timer = setTimeout(async () => {
      const isWell = await fetch(trouble.url, { cache: 'reload' }).then((answer) => answer.ok, () => false)
      if (failing.get(slug) !== trouble) return
      if (!isWell) return askLater(slug)
      settled(slug)
      const source = map.getSource(slug)
      if (source.setTiles) source.setTiles(source.tiles)
    }, pause)
  }

  map.on('error', ({ error, sourceId, source }) => {
    const slug = sourceId ?? source?.id
    if (error?.url && bySlug.has(slug) && shown.has(slug)) failed(slug, error.url)
  })

  return {
    shown,
    has: (slug) => bySlug.has(slug),
    get: (slug) => bySlug.get(slug),
    show,
    hide,
    restyle,
    /** Slugs of the shown layers of other services that tell of a point. */
    telling: () => [...shown.keys()].filter((slug) => bySlug.get(slug).tellsOfPoints),
    /** Style layer ids that may be asked what lies at a point. */
    queryable: () => [...shown.keys()].flatMap((slug) => stylesOf(slug).filter((s) => s.type !== 'raster').map((s) => s.id)),
  }
}

export function sourceOf(layer) {
  if (layer.clusters) return { ...layer.clusters, attribution: escaped(layer.attribution) }
  const common = {
    tiles: [new URL(layer.tiles, location.origin).href.replaceAll('%7B', '{').replaceAll('%7D', '}')],
    minzoom: layer.minZoom,
    maxzoom: layer.tileMaxZoom,
    attribution: escaped(layer.attribution),
    // What is live may appear anywhere.
    ...(layer.bbox && !layer.isLive ? { bounds: layer.bbox } : {}),
  }
  return layer.kind === 'raster' ? { type: 'raster', tileSize: 256, ...common } : { type: 'vector', ...common }
}

/** MapLibre writes attributions as HTML. */
export function escaped(text) {
  const node = document.createElement('span')
  node.textContent = text ?? ''
  return node.innerHTML
}
