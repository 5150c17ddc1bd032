/** Which of a layer's named styles the map wears: the select in the tree, the drawing, the legend and the address agree. */
import { el, fill, getJson } from '../page_data.js'

export function styleChoice({ layers, texts, onChange }) {
  const tree = document.getElementById('layer-tree')
  const select = (slug) => tree.querySelector(`[data-style-of="${CSS.escape(slug)}"]`)
  const chosen = new Map()
  const asked = new Map()

  tree.addEventListener('change', ({ target }) => {
    if (target.dataset.styleOf) choose(target.dataset.styleOf, target.value)
  })

  const usual = (slug) => select(slug)?.options[0].value ?? ''
  const current = (slug) => chosen.get(slug) || usual(slug)

  /** Wear a style by its name; "" and unknown ones are the layer's usual style. The last choice wins. */
  async function choose(slug, name) {
    const control = select(slug)
    const wanted = [...(control?.options ?? [])].some((option) => option.value === name) ? name : usual(slug)
    if (!control || wanted === (asked.get(slug) ?? current(slug))) return
    asked.set(slug, wanted)
    control.value = wanted
    const note = tree.querySelector(`[data-state-of="${CSS.escape(slug)}"]`)
    const look = await getJson(`/mappe/${encodeURIComponent(slug)}/stili/${encodeURIComponent(wanted)}.json`).catch(() => null)
    if (asked.get(slug) !== wanted) return
    asked.delete(slug)
    if (note) note.hidden = Boolean(look)
    if (!look) {
      if (note) note.textContent = fill(texts.styleFails, { layer: layers.get(slug).title })
      control.value = current(slug)
      return
    }
    const { legend, name: worn, ...drawing } = look
    layers.restyle(slug, drawing)
    showLegend(tree.querySelector(`[data-layer="${CSS.escape(slug)}"]`), legend)
    if (worn === usual(slug)) chosen.delete(slug)
    else chosen.set(slug, worn)
    onChange()
  }

  /** One mark stands beside the layer's name; more are a list that can be folded. */
  function showLegend(line, entries) {
    const label = line.querySelector('.layer-row label')
    const mark = ({ swatch }) => el('img', { src: swatch, alt: '' })
    label.querySelector('img')?.remove()
    if (entries.length === 1) label.prepend(mark(entries[0]))
    // Devices are drawn by their state, whatever the style: their legend is not a style's.
    const folded = line.querySelector('.layer-legend')
    if (!folded) return
    folded.hidden = entries.length < 2
    folded.querySelector('ul').replaceChildren(...entries.map((entry) => el('li', {}, mark(entry), el('span', {}, entry.text))))
  }

  return {
    /** Names by slug of the layers that do not wear their usual style. */
    chosen,
    /** Wear exactly these: a map of slug to name. */
    apply(wanted) {
      for (const control of tree.querySelectorAll('[data-style-of]')) choose(control.dataset.styleOf, wanted.get(control.dataset.styleOf) ?? '')
    },
  }
}
