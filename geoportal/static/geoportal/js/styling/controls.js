/** Inputs that say by `data-spec` (a path) or `data-symbol` (a name) which part of the style they show and write. */

const READ = {
  number: (input) => Number(input.value),
  optional: (input) => (input.value === '' ? null : Number(input.value)),
  boolean: (input) => input.checked,
  list: (input) => (input.value ? input.value.split(',').map(Number) : []),
}
const DEFAULTS = {
  opacity: 1, min_zoom: 0, max_zoom: 22, 'label.size': 12, 'label.colour': '#17324d', 'label.halo': '#ffffff', 'label.min_zoom': 15,
  'proportion.size_from': 4, 'proportion.size_to': 40, 'heat.radius': 24, 'heat.ramp': 'ylorbr', 'cluster.radius': 50,
  'cluster.max_zoom': 15, 'raster.band': 1, 'raster.hillshade': false,
}
/** What a symbol is where its style says nothing: as in layers/styles/model.py. */
export const SYMBOL = {
  fill: '#0066cc', fill_opacity: 0.6, stroke: '#003366', stroke_width: 1, stroke_dash: [], size: 6, shape: 'circle', hatch: '',
}
/** What the classes have of their own; everything else of the symbol is the same for all. */
const OWN = { line: ['stroke', 'fill'], point: ['fill', 'stroke'], polygon: ['fill', 'stroke'] }

export function bindControls(state, { onChange }) {
  const inputs = [...document.querySelectorAll('[data-spec], [data-symbol]')]
  const drawn = document.querySelector('[data-drawn]').dataset.drawn

  for (const input of inputs) {
    input.addEventListener('input', () => {
      if (input.type === 'number' && (input.value === '' ? input.dataset.type !== 'optional' : !input.checkValidity())) return
      const value = (READ[input.dataset.type] ?? ((one) => one.value))(input)
      if (input.dataset.symbol) writeSymbol(input.dataset.symbol, value)
      else write(state.spec, input.dataset.spec.split('.'), value)
      onChange(input.dataset.spec ?? `symbol.${input.dataset.symbol}`)
    })
  }

  function writeSymbol(name, value) {
    state.spec.symbol = { ...state.spec.symbol, [name]: value }
    if (drawn === 'line' && name === 'stroke') state.spec.symbol.fill = value
    if (OWN[drawn]?.includes(name) && name !== 'stroke') return
    if (drawn === 'line' && name === 'stroke') return
    state.spec.classes = state.spec.classes?.map((entry) => ({ ...entry, symbol: { ...entry.symbol, [name]: value } }))
  }

  return {
    /** Write the style into the inputs. */
    show() {
      for (const input of inputs) {
        const path = input.dataset.spec
        const value = path ? read(state.spec, path.split('.')) ?? DEFAULTS[path] : state.spec.symbol?.[input.dataset.symbol] ?? SYMBOL[input.dataset.symbol]
        if (input.type === 'checkbox') input.checked = Boolean(value)
        else showIn(input, Array.isArray(value) ? value.join(',') : value ?? '')
      }
    },
  }
}

/** A select shows a value that it does not offer too: it came from another program. */
function showIn(input, value) {
  input.value = value
  if (input.tagName === 'SELECT' && input.value !== String(value)) {
    input.add(new Option(String(value), String(value)))
    input.value = value
  }
}

function read(object, path) {
  return path.reduce((held, name) => held?.[name], object)
}

function write(object, path, value) {
  const last = path.at(-1)
  const holder = path.slice(0, -1).reduce((held, name) => (held[name] ??= {}), object)
  if (value === null) delete holder[last]
  else holder[last] = value
}
