/** The two panels of the page: the layers on one side, what was chosen on the other. Drawers on a phone. */
import { el } from '../page_data.js'

const isPhone = () => matchMedia('(max-width: 767px)').matches

export function panels({ onDetailClosed }) {
  const layers = document.getElementById('layers-panel')
  const detail = document.getElementById('detail-panel')
  const title = document.getElementById('detail-title')
  const body = document.getElementById('detail-body')
  const opener = document.querySelector('[data-open="layers-panel"]')
  let cameFrom = null

  function toggleLayers(open) {
    layers.classList.toggle('is-closed', !open)
    opener.setAttribute('aria-expanded', String(open))
    if (open && isPhone()) closeDetail()
  }

  function closeDetail() {
    if (detail.hidden) return
    detail.hidden = true
    onDetailClosed()
    if (cameFrom?.isConnected) cameFrom.focus({ preventScroll: true })
    cameFrom = null
  }

  opener.addEventListener('click', () => toggleLayers(layers.classList.contains('is-closed')))
  document.querySelector('[data-close="layers-panel"]').addEventListener('click', () => { toggleLayers(false); opener.focus() })
  document.querySelector('[data-close="detail-panel"]').addEventListener('click', closeDetail)
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') closeDetail() })
  if (isPhone()) toggleLayers(false)

  return {
    closeDetail,
    /** Pixels at the foot of the map that an open card may hide: on a phone it lies over the map, as high as map.css lets it. */
    coveredBelow: () => (isPhone() ? Math.round((detail.parentElement.clientHeight * parseFloat(getComputedStyle(detail).maxHeight)) / 100) : 0),
    detailIsOpen: () => !detail.hidden,
    /** Show content in the detail panel. The keyboard goes there when the panel opens, not on every change. */
    showDetail(heading, ...content) {
      const opens = detail.hidden
      if (opens) cameFrom = document.activeElement
      title.textContent = heading
      body.replaceChildren(...content)
      detail.hidden = false
      if (isPhone()) { layers.classList.add('is-closed'); opener.setAttribute('aria-expanded', 'false') }
      if (opens) detail.focus({ preventScroll: true })
    },
    note: (text) => el('p', { class: 'map-note' }, text),
  }
}
