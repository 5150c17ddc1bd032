/** The table of classes: colour, value or limits, texts in both languages, how many features. */
import { el, fill } from '../page_data.js'

export function classTable(config, { onChange }) {
  const { texts } = config
  const head = document.getElementById('classes-head')
  const body = document.getElementById('classes')

  /** `name` stands above the cell where there is no room for a table, and its head is not shown. */
  const cell = (name, ...children) => el('td', { 'data-title': name }, ...children)
  const title = (text) => (text ? el('th', { scope: 'col' }, text) : el('td', {}))

  function input(attributes, value, write) {
    const made = el('input', attributes)
    made.value = value ?? ''
    made.addEventListener('input', () => { if (made.checkValidity()) { write(made.value); onChange() } })
    return made
  }

  /** `columns`: [{ title, make(entry, index, name) → node }]; `onRemove(index)`. */
  function show(entries, { columns, counts = [], onRemove, other }) {
    if (!body) return
    const focus = document.activeElement?.dataset?.cell
    head.replaceChildren(el('tr', {}, title(columns[0].title), counts.length ? title(texts.features) : null, ...columns.slice(1).map((one) => title(one.title)), el('th', {}, el('span', { class: 'visually-hidden' }, texts.remove.replace('{label}', '')))))
    const rows = entries.map((entry, index) => {
      const name = nameOf(entry, index)
      const button = el('button', { type: 'button', 'aria-label': fill(texts.remove, { label: name }) }, '×')
      button.addEventListener('click', () => onRemove(index))
      const [first, ...cells] = columns.map((one) => cell(one.title, one.make(entry, index, name)))
      return el('tr', {}, first, counts.length ? cell(texts.features, String(counts[index] ?? '–')) : null, ...cells, cell('', button))
    })
    if (other) {
      const cells = other.slice(1).map((node, place) => cell(node instanceof Node ? columns[place + 1].title : '', node))
      rows.push(el('tr', {}, cell('', other[0]), counts.length ? cell(texts.features, String(counts.at(-1) ?? '')) : null, ...cells, cell('')))
    }
    body.replaceChildren(...rows)
    if (focus) body.querySelector(`[data-cell="${CSS.escape(focus)}"]`)?.focus()
  }

  function nameOf(entry, index) {
    const label = config.language === 'en' ? entry.label_en || entry.label_it : entry.label_it
    return label || (entry.value ?? String(index + 1))
  }

  return { show, input }
}
