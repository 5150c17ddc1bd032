/** MapLibre's own controls, and a button back to the initial view. */
import { FullscreenControl, GeolocateControl, NavigationControl, ScaleControl } from 'maplibre-gl'
import { el } from '../page_data.js'

export function addControls(map, { home, texts }) {
  map.addControl(new NavigationControl({ visualizePitch: false }), 'top-right')
  map.addControl(homeControl(home, texts), 'top-right')
  map.addControl(new GeolocateControl({ trackUserLocation: true }), 'top-right')
  map.addControl(new FullscreenControl({ container: document.querySelector('.map-main') }), 'top-right')
  map.addControl(new ScaleControl({ maxWidth: 120, unit: 'metric' }), 'bottom-left')
}

function homeControl(home, texts) {
  let container
  return {
    onAdd(map) {
      const button = el('button', { type: 'button', class: 'map-home', title: texts.home, 'aria-label': texts.home }, '⌂')
      button.addEventListener('click', () => map.fitBounds(home, { duration: 600 }))
      container = el('div', { class: 'maplibregl-ctrl maplibregl-ctrl-group' }, button)
      return container
    },
    onRemove: () => container.remove(),
  }
}
