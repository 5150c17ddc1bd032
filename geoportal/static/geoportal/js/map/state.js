/**
 * The address says what the map shows, in no language: `#map=14/45.1337/10.0252&layers=edifici,strade:60&sel=edifici/12`.
 * Layers carry their opacity in percent when it is not 100, and their style when it is not the usual one:
 * `strade:60:larghezza`, `strade::larghezza`. Moves replace the entry of the history, choices add one.
 */
export function parseState(hash) {
  const params = new URLSearchParams(hash.replace(/^#/, ''))
  const view = (params.get('map') ?? '').split('/').map(Number)
  const parts = params.has('layers') ? params.get('layers').split(',').filter(Boolean).map((part) => part.split(':')) : null
  const opacity = (percent) => (Number.isFinite(Number(percent)) ? Math.min(100, Math.max(0, Number(percent))) : 100)
  return {
    view: view.length === 3 && view.every(Number.isFinite) && Math.abs(view[1]) <= 90 ? { zoom: view[0], lat: view[1], lon: view[2] } : null,
    layers: parts && new Map(parts.map(([slug, percent]) => [slug, opacity(percent || 100)])),
    styles: new Map((parts ?? []).flatMap(([slug, , style]) => (style ? [[slug, style]] : []))),
    selected: params.get('sel') ?? '',
  }
}

export function formatState({ view, layers, styles, selected }) {
  const parts = [`map=${view.zoom.toFixed(2)}/${view.lat.toFixed(5)}/${view.lon.toFixed(5)}`]
  const part = ([slug, opacity]) => [slug, opacity === 100 ? '' : opacity, styles.get(slug) ?? ''].join(':').replace(/:+$/, '')
  parts.push('layers=' + [...layers].map(part).join(','))
  if (selected) parts.push(`sel=${selected.split('/').map(encodeURIComponent).join('/')}`)
  return '#' + parts.join('&')
}

/** Keep the address and the page in step. `read()` gives the page's state, `apply(state)` shows another one. */
export function followAddress({ read, apply }) {
  let written = location.hash
  const write = (method) => {
    const hash = formatState(read())
    if (hash === location.hash) return
    written = hash
    history[method](null, '', hash)
  }
  addEventListener('popstate', () => {
    if (location.hash === written) return
    written = location.hash
    apply(parseState(location.hash))
  })
  return { moved: () => write('replaceState'), chose: () => write('pushState') }
}
