/** The layer tree that the server wrote: its switches, sliders and "zoom to" buttons act on the map. */
export function followTree(map, { layers, config, onChange }) {
  const tree = document.getElementById('layer-tree')
  const control = (attribute, slug) => tree.querySelector(`[data-${attribute}="${CSS.escape(slug)}"]`)

  tree.addEventListener('change', ({ target }) => {
    const slug = target.dataset.switch
    if (!slug) return
    if (target.checked) layers.show(slug, Number(control('opacity', slug).value))
    else layers.hide(slug)
    tellZoom()
    onChange()
  })
  tree.addEventListener('input', ({ target }) => {
    const slug = target.dataset.opacity
    if (!slug || !layers.shown.has(slug)) return
    layers.show(slug, Number(target.value))
    onChange()
  })
  tree.addEventListener('click', ({ target }) => {
    const slug = target.closest('[data-zoom-to]')?.dataset.zoomTo
    const bbox = slug && layers.get(slug)?.bbox
    if (bbox) map.fitBounds(bbox, { padding: 40, maxZoom: 17, duration: 600 })
  })

  /** A layer that is on but not drawn at this zoom says so, instead of looking empty. */
  function tellZoom() {
    for (const { slug, minZoom } of config.layers) {
      const switched = control('switch', slug)
      if (!switched) continue
      const isTooFar = switched.checked && map.getZoom() < minZoom
      switched.closest('.layer').classList.toggle('is-too-far', isTooFar)
      switched.title = isTooFar ? config.texts.zoomIn : ''
    }
  }
  map.on('zoomend', tellZoom)

  return {
    /** Show exactly these layers: a map of slug to opacity in percent. Names that are not in the tree are passed over. */
    apply(wanted) {
      for (const { slug } of config.layers) {
        const isOn = wanted.has(slug)
        const switched = control('switch', slug)
        if (switched) switched.checked = isOn
        if (isOn) {
          const slider = control('opacity', slug)
          if (slider) slider.value = wanted.get(slug)
          layers.show(slug, wanted.get(slug))
        } else layers.hide(slug)
      }
      tellZoom()
      onChange()
    },
  }
}
