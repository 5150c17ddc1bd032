/**
 * `data-state` of the map's place: `drawing` from whatever changes the picture until all of it is drawn, then `ready`.
 * Returns what to call after a change that MapLibre does not tell of: a layer that is switched or faded.
 */
export function tellRest(map, place) {
  const drawing = () => {
    place.dataset.state = 'drawing'
    map.triggerRepaint()
  }
  for (const change of ['dataloading', 'movestart', 'resize', 'error']) map.on(change, drawing)
  map.on('idle', () => { place.dataset.state = 'ready' })
  drawing()
  return drawing
}
