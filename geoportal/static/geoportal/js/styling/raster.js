/** Looks of a raster: its own colours, a ramp between two values, classes; with relief for heights. */
import { fill } from '../page_data.js'

export function rasterMode(config, state, { ask, table, onChange, onRemade, onProblem }) {
  const { texts } = config
  const byId = (id) => document.getElementById(id)
  const kinds = [...document.querySelectorAll('[name=kind]')]
  const palettes = [...document.querySelectorAll('[name=palette]')]
  let turn = 0

  const kind = () => (!state.spec.raster ? 'own' : state.spec.raster.classes?.length ? 'bands' : 'ramp')
  let shown = 'own'
  const palette = () => palettes.find((one) => one.checked)?.value ?? 'viridis'

  function chooseKind(next) {
    shown = next
    if (next === 'own') { delete state.spec.raster; return onRemade() }
    const { classes: _gone, ...rest } = state.spec.raster ?? {}
    state.spec.raster = { band: 1, ramp: palette(), ...rest }
    return next === 'bands' ? classify() : onRemade()
  }

  async function classify() {
    const mine = ++turn
    const look = state.spec.raster
    const asked = { band: look.band ?? 1, method: byId('method').value, count: Number(byId('count').value) || 5, palette: palette(), reverse: byId('reverse').checked }
    byId('classes-state').textContent = texts.classifying
    show()
    try {
      const { classes } = await ask('classes', asked)
      if (mine !== turn) return
      look.classes = classes
      byId('classes-state').textContent = fill(texts.classesMade, { count: classes.length })
      onProblem('')
      onChange()
    } catch (error) {
      if (mine === turn) onProblem(error.message, 'bad')
    }
  }

  function recolour() {
    if (shown === 'bands') return classify()
    state.spec.raster = { ...state.spec.raster, ramp: palette(), reverse: byId('reverse').checked }
    return onChange()
  }

  function columns() {
    const text = (name, title) => ({
      title,
      make: (entry, index, label) => table.input({ maxlength: 200, 'data-cell': `${name}-${index}`, 'aria-label': `${title}: ${label}` }, entry[name], (value) => { entry[name] = value }),
    })
    return [
      { title: '', make: (entry, index, label) => table.input({ type: 'color', 'data-cell': `colour-${index}`, 'aria-label': fill(texts.colourOf, { label }) }, entry.colour, (value) => { entry.colour = value }) },
      { title: texts.upTo, make: (entry, index, label) => table.input({ type: 'number', step: 'any', 'data-cell': `maximum-${index}`, 'aria-label': `${texts.upTo}: ${label}` }, entry.maximum, (value) => { if (value !== '') entry.maximum = Number(value) }) },
      text('label_it', texts.labelIt), text('label_en', texts.labelEn),
    ]
  }

  function show() {
    for (const part of document.querySelectorAll('[data-for]')) part.hidden = !part.dataset.for.split(' ').includes(shown)
    const limits = config.bands[(state.spec.raster?.band ?? 1) - 1]
    for (const [at, id] of ['minimum', 'maximum'].entries()) byId(id).placeholder = limits ? String(Number(limits[at].toPrecision(6))) : ''
    const classes = state.spec.raster?.classes ?? []
    const onRemove = (index) => { if (classes.length > 1) { classes.splice(index, 1); onChange() } }
    if (shown === 'bands') table.show(classes, { columns: columns(), onRemove })
  }

  for (const one of kinds) one.addEventListener('change', () => chooseKind(one.value))
  for (const id of ['method', 'count']) byId(id).addEventListener('change', () => { if (shown === 'bands') classify() })
  for (const one of [...palettes, byId('reverse')]) one.addEventListener('change', recolour)

  return {
    show,
    opened() {
      shown = kind()
      for (const one of kinds) one.checked = one.value === shown
      for (const one of palettes) one.checked = one.value === (state.spec.raster?.ramp ?? 'viridis')
      byId('reverse').checked = Boolean(state.spec.raster?.reverse)
    },
    touched(path) { if (path === 'raster.band' && shown === 'bands') classify() },
  }
}
