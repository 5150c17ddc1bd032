import { supplyImages } from '../geoportal/js/map/images.js'

/** The map beside the two coordinate fields of a device. Without it, or where it fails, the fields do everything. */
const HOME = [10.0245, 45.1335]

for (const box of document.querySelectorAll('.device-position')) {
  show(box).catch((error) => console.warn('The position map cannot be shown', error))
}

async function show(box) {
  const { Map, Marker, NavigationControl, setWorkerUrl } = await import(box.dataset.library)
  const [lon, lat] = box.querySelectorAll('input')
  const place = box.querySelector('.device-position-map')
  const typed = () => (lon.value && lat.value ? [Number(lon.value), Number(lat.value)] : null)
  setWorkerUrl(new URL(box.dataset.worker, location.href).href)
  place.hidden = false
  const { title, zoomIn, zoomOut, credits } = box.dataset
  const locale = {
    'Map.Title': title, 'NavigationControl.ZoomIn': zoomIn, 'NavigationControl.ZoomOut': zoomOut, 'AttributionControl.ToggleAttribution': credits,
  }
  const map = new Map({ container: place, locale, style: box.dataset.style, center: typed() ?? HOME, zoom: typed() ? 17 : 13 })
  map.addControl(new NavigationControl({ showCompass: false }))
  supplyImages(map, {})
  const marker = new Marker({ draggable: true })

  const mark = ({ lng, lat: latitude }) => {
    lon.value = lng.toFixed(7)
    lat.value = latitude.toFixed(7)
    draw()
  }
  function draw() {
    const point = typed()
    if (!point || !point.every(Number.isFinite) || Math.abs(point[1]) > 90) return marker.remove()
    marker.setLngLat(point).addTo(map)
    return marker
  }
  map.on('click', (event) => mark(event.lngLat))
  marker.on('dragend', () => mark(marker.getLngLat()))
  for (const input of [lon, lat]) {
    input.addEventListener('change', () => { if (draw() && typed()) map.easeTo({ center: typed() }) })
  }
  draw()
}
