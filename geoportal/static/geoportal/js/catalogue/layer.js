/** The map on a layer's page: the layer alone, in its first style until another is chosen. */
import { Map as MapLibreMap, NavigationControl, setWorkerUrl } from 'maplibre-gl'
import { awake, pageData } from '../page_data.js'
import { supplyImages } from '../map/images.js'

const config = pageData('layer-config')
const place = document.getElementById('layer-map')
setWorkerUrl(new URL(config.workerUrl, location.href).href)
const map = new MapLibreMap({
  container: place, style: config.style, bounds: config.bbox, fitBoundsOptions: { padding: 20 }, dragRotate: false, fadeDuration: 0,
  cooperativeGestures: true, locale: config.texts, attributionControl: { compact: true },
})
map.addControl(new NavigationControl({ showCompass: false }))
supplyImages(map, {})
document.getElementById('layer-style')?.addEventListener('change', ({ target }) => {
  const [chosen] = target.selectedOptions
  place.dataset.state = 'drawing'
  map.setStyle(target.value)
  map.once('idle', () => { place.dataset.state = 'ready' })
  const picture = document.getElementById('layer-legend-picture')
  picture.src = chosen.dataset.legend
  picture.hidden = false
  document.getElementById('layer-legend')?.remove()
})
awake(document.querySelector('.catalogue-layer'))
map.once('idle', () => { place.dataset.state = 'ready' })
