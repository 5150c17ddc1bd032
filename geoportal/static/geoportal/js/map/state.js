/**
 * The address says what the map shows, in no language: `#map=14/45.1337/10.0252&layers=edifici,strade:60&sel=edifici/12`.
 * Layers carry their opacity in percent when it is not 100. Moves replace the entry of the history, choices add one.
 */
export function parseState(hash) {
  const params = new URLSearchParams(hash.replace(/^#/, ''))
  const view = (params.get('map') ?? '').split('/').map(Number)
  const layers = params.has('layers')
    ? new Map(params.get('layers').split(',').filter(Boolean).map((part) => {
      const [slug, percent] = part.split(':')
      const opacity = Number(percent ?? 100)
      return [slug, Number.isFinite(opacity) ? Math.min(100, Math.max(0, opacity)) : 100]
    }))
    : null
  return {
    view: view.length === 3 && view.every(Number.isFinite) && Math.abs(view[1]) <= 90 ? { zoom: view[0], lat: view[1], lon: view[2] } : null,
    layers,
    selected: params.get('sel') ?? '',
  }
}

export function formatState({ view, layers, selected }) {
  const parts = [`map=${view.zoom.toFixed(2)}/${view.lat.toFixed(5)}/${view.lon.toFixed(5)}`]
  parts.push('layers=' + [...layers].map(([slug, opacity]) => (opacity === 100 ? slug : `${slug}:${opacity}`)).join(','))
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
