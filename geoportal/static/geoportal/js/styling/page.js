/** The style editor: holds the style, asks the server how it looks, keeps it. Compilers and checks are the server's. */
import { awake, el, fill, pageData } from '../page_data.js'
import { asker } from './ask.js'
import { classTable } from './classes.js'
import { bindControls } from './controls.js'
import { stylePreview } from './preview.js'
import { rasterMode } from './raster.js'
import { vectorMode } from './vector.js'

const config = pageData('style-config')
const { texts } = config
const byId = (id) => document.getElementById(id)
const ask = asker(config)
const PAUSE_MS = 120

const state = { name: '', spec: structuredClone(config.plain), saved: '' }
const preview = stylePreview(byId('style-map'), config, ask)
const table = classTable(config, { onChange: changed })
const mode = (config.drawn === 'raster' ? rasterMode : vectorMode)(config, state, { ask, table, onChange: changed, onRemade: () => { controls.show(); changed() }, onProblem: refused })
const controls = bindControls(state, { onChange: (path) => { mode.touched(path); changed() } })
let timer = 0
let turn = 0

function say(text, tone = '') {
  byId('message').textContent = text
  byId('message').dataset.tone = tone
}

/** What there is to draw was refused: the checks of the style before it no longer hold. */
function refused(text, tone = '') {
  say(text, tone)
  if (tone === 'bad') byId('problems').replaceChildren()
}

function changed() {
  clearTimeout(timer)
  preview.expect()
  timer = setTimeout(look, PAUSE_MS)
  mode.show()
  if (JSON.stringify(state.spec) !== state.saved) say(texts.unsaved)
}

async function look() {
  const mine = ++turn
  preview.expect()
  try {
    const found = await ask('preview', { spec: state.spec })
    if (mine !== turn) return
    if (byId('message').dataset.tone === 'bad') say(texts.unsaved)
    preview.draw(found, state.spec)
    byId('legend').replaceChildren(...found.legend.map(({ text, swatch }) => el('li', {}, el('img', { src: swatch, alt: '' }), el('span', {}, text))))
    const lines = found.problems.map((text) => el('li', {}, text))
    byId('problems').replaceChildren(...(lines.length ? lines : [el('li', { class: 'is-good' }, `✓ ${texts.noProblems}`)]))
    byId('losses').replaceChildren(...found.losses.map((text) => el('li', {}, text)))
    byId('losses-part').hidden = !found.losses.length
  } catch (error) {
    if (mine !== turn) return
    preview.fail()
    say(error.message, 'bad')
  }
}

function open(name) {
  const style = config.styles.find((one) => one.name === name)
  state.name = style?.name ?? ''
  state.spec = structuredClone(style?.spec ?? config.plain)
  state.saved = style ? JSON.stringify(state.spec) : ''
  byId('title-it').value = style?.title_it ?? ''
  byId('title-en').value = style?.title_en ?? ''
  askTitle(false)
  byId('is-default').checked = style ? style.is_default : !config.styles.length
  refresh()
  say('')
}

function refresh() {
  const options = config.styles.map((one) => el('option', { value: one.name, selected: one.name === state.name }, one.title_it))
  byId('style-name').replaceChildren(...options, el('option', { value: '', selected: !state.name }, texts.newStyle))
  byId('delete').hidden = !state.name
  byId('save-new').hidden = !state.name
  byId('exports').hidden = !state.name
  for (const link of document.querySelectorAll('[data-export]')) link.href = fill(config.export, { name: state.name, form: link.dataset.export })
  mode.opened()
  mode.show()
  controls.show()
  clearTimeout(timer)
  look()
}

/** Say beside the title that it is needed, or that it no longer is. */
function askTitle(isMissing) {
  const input = byId('title-it')
  byId('title-problem').textContent = isMissing ? texts.titleNeeded : ''
  if (isMissing) input.setAttribute('aria-invalid', 'true')
  else input.removeAttribute('aria-invalid')
}

async function save(name) {
  const title = byId('title-it').value.trim()
  askTitle(!title)
  if (!title) {
    say(texts.titleNeeded, 'bad')
    return byId('title-it').focus()
  }
  const sent = { name, title_it: title, title_en: byId('title-en').value.trim(), is_default: byId('is-default').checked, spec: state.spec }
  try {
    const kept = await ask('save', sent)
    if (kept.is_default) for (const one of config.styles) one.is_default = false
    config.styles = config.styles.filter((one) => one.name !== kept.name)
    config.styles.unshift({ ...sent, ...kept, spec: structuredClone(state.spec) })
    config.styles.sort((one, other) => other.is_default - one.is_default)
    open(kept.name)
    say(texts.saved, 'good')
  } catch (error) {
    say(error.message, 'bad')
  }
}

async function remove() {
  const style = config.styles.find((one) => one.name === state.name)
  if (!style || !confirm(fill(texts.deleteAsk, { title: style.title_it }))) return
  try {
    await ask('delete', { name: state.name })
    config.styles = config.styles.filter((one) => one !== style)
    if (style.is_default && config.styles.length) config.styles[0].is_default = true
    open(config.styles[0]?.name ?? '')
    say(texts.deleted, 'good')
  } catch (error) {
    say(error.message, 'bad')
  }
}

async function readFile(input) {
  const [file] = input.files
  if (!file) return
  try {
    const { spec, leftOut } = await ask('read', file)
    state.spec = spec
    if (!byId('title-it').value) byId('title-it').value = file.name.replace(/\.\w+$/, '')
    refresh()
    say(leftOut.length ? fill(texts.readPart, { list: leftOut.join('; ') }) : texts.readAll, leftOut.length ? 'bad' : 'good')
  } catch (error) {
    say(error.message, 'bad')
  }
  input.value = ''
}

byId('title-it').addEventListener('input', () => askTitle(false))
byId('style-name').addEventListener('change', ({ target }) => open(target.value))
byId('style-form').addEventListener('submit', (event) => { event.preventDefault(); save(state.name) })
byId('save-new').addEventListener('click', () => save(''))
byId('delete').addEventListener('click', remove)
byId('style-file')?.addEventListener('change', ({ target }) => readFile(target))
byId('to-map').addEventListener('click', ({ target }) => {
  const { lat, lng } = preview.map.getCenter()
  target.href = config.map.replace('#', `#map=${preview.map.getZoom().toFixed(2)}/${lat.toFixed(5)}/${lng.toFixed(5)}&`)
})
open(config.styles.some((one) => one.name === config.open) ? config.open : config.styles[0]?.name ?? '')
awake()
