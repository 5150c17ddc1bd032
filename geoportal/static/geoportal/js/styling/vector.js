/** Kinds of style for tables: which controls there are, and how classes come about. */
import { fill } from '../page_data.js'
import { SYMBOL } from './controls.js'

const CLASSED = ['categorised', 'graduated']
const CLASS_OPACITY = 0.9
const FIRST_PALETTE = { categorised: 'muted', graduated: 'ylorbr' }

export function vectorMode(config, state, { ask, table, onChange, onRemade, onProblem }) {
  const { texts } = config
  const byId = (id) => document.getElementById(id)
  const kinds = [...document.querySelectorAll('[name=kind]')]
  const palettes = [...document.querySelectorAll('[name=palette]')]
  const tint = config.drawn === 'line' ? 'stroke' : 'fill'
  let counts = []
  let turn = 0

  const kind = () => state.spec.kind ?? 'single'
  const symbol = () => ({ ...SYMBOL, ...state.spec.symbol })

  function chooseKind(next) {
    state.spec.kind = next
    delete state.spec.classes
    counts = []
    if (CLASSED.includes(next)) {
      choosePalette(FIRST_PALETTE[next])
      if (!fieldFits()) byId('field').value = firstField(next === 'graduated')
      // Classes are told apart by colour: thin paint on the paper would make neighbours alike.
      if (config.drawn === 'polygon' && symbol().fill_opacity < CLASS_OPACITY) state.spec.symbol = { ...symbol(), fill_opacity: CLASS_OPACITY }
      return classify()
    }
    if (next === 'proportional') {
      if (!fieldFits()) byId('field').value = firstField(true)
      state.spec.symbol = { ...symbol(), shape: 'circle' }
      return measure()
    }
    if (next === 'heatmap') { state.spec.heat ??= { radius: 24 }; byId('field').value = ''; delete state.spec.field }
    if (next === 'cluster') state.spec.cluster ??= { radius: 50 }
    onRemade()
  }

  const chosen = () => byId('field').selectedOptions[0]
  const fieldFits = () => chosen()?.value && (kind() === 'categorised' || 'number' in chosen().dataset)
  const firstField = (needsNumber) => [...byId('field').options].find((one) => one.value && (!needsNumber || 'number' in one.dataset))?.value ?? ''
  const choosePalette = (name) => { for (const one of palettes) one.checked = one.value === name }

  function question() {
    return {
      field: byId('field').value,
      kind: kind() === 'categorised' ? 'categorised' : 'graduated',
      method: byId('method').value,
      count: Number(byId('count').value) || 5,
      palette: palettes.find((one) => one.checked)?.value ?? FIRST_PALETTE.graduated,
      reverse: byId('reverse').checked,
      symbol: symbol(),
    }
  }

  async function classify() {
    state.spec.field = byId('field').value
    if (!state.spec.field) return onChange()
    const mine = ++turn
    byId('classes-state').textContent = texts.classifying
    show()
    try {
      const found = await ask('classes', question())
      if (mine !== turn) return
      state.spec.classes = found.classes
      if (kind() === 'graduated') state.spec.method = byId('method').value
      else delete state.spec.method
      state.spec.symbol = { ...symbol(), [tint]: '#8c8c8c' }
      counts = [...found.counts, found.others]
      byId('classes-state').textContent = fill(texts.classesMade, { count: found.classes.length })
      onProblem('')
      onRemade()
    } catch (error) {
      if (mine === turn) { state.spec.classes = []; byId('classes-state').textContent = ''; show(); onProblem(error.message, 'bad') }
    }
  }

  /** The greatest value, for discs and for the weight of points. */
  async function measure() {
    state.spec.field = byId('field').value
    if (!state.spec.field) { delete state.spec.field; return onChange() }
    const mine = ++turn
    try {
      const { greatest } = await ask('classes', { ...question(), method: 'equal_interval', count: 2 })
      if (mine !== turn) return
      const top = greatest > 0 ? greatest : 1
      if (kind() === 'proportional') state.spec.proportion = { size_from: 4, size_to: 40, ...state.spec.proportion, value_to: top }
      else state.spec.heat = { ...state.spec.heat, value_to: top }
      onRemade()
    } catch (error) {
      if (mine === turn) onProblem(error.message, 'bad')
    }
  }

  function columns() {
    const colour = {
      title: '',
      make: (entry, index, label) => table.input(
        { type: 'color', 'data-cell': `colour-${index}`, 'aria-label': fill(texts.colourOf, { label }) }, entry.symbol?.[tint] ?? SYMBOL[tint],
        (value) => { entry.symbol = { ...entry.symbol, [tint]: value } },
      ),
    }
    const text = (name, title) => ({
      title,
      make: (entry, index, label) => table.input({ maxlength: 200, 'data-cell': `${name}-${index}`, 'aria-label': `${title}: ${label}` }, entry[name], (value) => { entry[name] = value }),
    })
    const limit = (name, title) => ({
      title,
      make: (entry, index, label) => table.input(
        { type: 'number', step: 'any', 'data-cell': `${name}-${index}`, 'aria-label': `${title}: ${label}` }, entry[name],
        (value) => limited(index, name, value),
      ),
    })
    const value = { title: texts.value, make: (entry) => document.createTextNode(entry.value ?? '–') }
    const middle = kind() === 'categorised' ? [value] : [limit('minimum', texts.from), limit('maximum', texts.to)]
    return [colour, ...middle, text('label_it', texts.labelIt), text('label_en', texts.labelEn)]
  }

  /** A limit between two classes is one number: it moves on both sides. */
  function limited(index, name, text) {
    const { classes } = state.spec
    const write = (entry, side) => { if (text === '') delete entry[side]; else entry[side] = Number(text) }
    write(classes[index], name)
    const neighbour = classes[index + (name === 'minimum' ? -1 : 1)]
    if (neighbour) write(neighbour, name === 'minimum' ? 'maximum' : 'minimum')
    counts = []
  }

  function otherRow() {
    const colour = table.input({ type: 'color', 'data-cell': 'colour-other', 'aria-label': fill(texts.colourOf, { label: texts.others }) }, symbol()[tint], (value) => {
      state.spec.symbol = { ...symbol(), [tint]: value }
    })
    const text = (name, title) => table.input({ maxlength: 200, 'data-cell': `${name}-other`, 'aria-label': `${title}: ${texts.others}` }, state.spec[name], (value) => { state.spec[name] = value })
    const middle = kind() === 'categorised' ? [texts.others] : [texts.others, '']
    return [colour, ...middle, text('other_it', texts.labelIt), text('other_en', texts.labelEn)]
  }

  function removeClass(index) {
    const { classes } = state.spec
    const [gone] = classes.splice(index, 1)
    if (kind() === 'graduated' && classes[index] && gone.minimum !== undefined) classes[index].minimum = gone.minimum
    else if (kind() === 'graduated' && classes[index]) delete classes[index].minimum
    counts = []
    onChange()
  }

  function show() {
    for (const part of document.querySelectorAll('[data-for]')) part.hidden = !part.dataset.for.split(' ').includes(kind())
    byId('label-look').hidden = !state.spec.label
    if (CLASSED.includes(kind())) table.show(state.spec.classes ?? [], { columns: columns(), counts, onRemove: removeClass, other: otherRow() })
  }

  for (const one of kinds) one.addEventListener('change', () => chooseKind(one.value))
  byId('field').addEventListener('change', () => {
    if (kind() === 'graduated' && chosen().value && !('number' in chosen().dataset)) {
      for (const one of kinds) one.checked = one.value === 'categorised'
      return chooseKind('categorised')
    }
    return CLASSED.includes(kind()) ? classify() : measure()
  })
  for (const id of ['method', 'count', 'reverse']) byId(id).addEventListener('change', () => { if (CLASSED.includes(kind())) classify() })
  for (const one of palettes) one.addEventListener('change', () => { if (CLASSED.includes(kind())) classify() })
  byId('label-field').addEventListener('change', ({ target }) => {
    if (target.value) state.spec.label = { ...state.spec.label, field: target.value }
    else delete state.spec.label
    onChange()
  })

  return {
    show,
    /** A style was opened: the choices follow it. */
    opened() {
      counts = []
      for (const one of kinds) one.checked = one.value === kind()
      byId('field').value = state.spec.field ?? ''
      byId('method').value = state.spec.method || 'quantile'
      byId('count').value = kind() === 'graduated' && state.spec.classes?.length >= 2 ? state.spec.classes.length : 5
      byId('label-field').value = state.spec.label?.field ?? ''
      byId('classes-state').textContent = ''
    },
    touched() {},
  }
}
