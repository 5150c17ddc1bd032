/** The technicians' list, kept current. Rows change in place and never jump: the reader reorders with a button. */
import { fill, getJson, pageData } from './page_data.js'
import { formats } from './format.js'
import { followDevices } from './live.js'
import { markSvg } from './marks.js'

const config = pageData('technicians-config')
const { texts, marks } = config
const format = formats(config.language, texts)
const body = document.querySelector('#devices tbody')
const reorder = document.getElementById('reorder')
const rows = () => [...body.querySelectorAll('tr[data-devid]')]
const mark = (health) => marks[health] ?? marks.unknown
const known = new Map()

function show(device) {
  known.set(device.devid, device)
  const row = body.querySelector(`[data-devid="${CSS.escape(device.devid)}"]`)
  if (!row) return
  const cell = (name) => row.querySelector(`[data-cell="${name}"]`)
  if (row.dataset.health !== device.health) {
    row.dataset.health = device.health
    const state = cell('health').firstElementChild
    state.replaceChildren(markSvg(mark(device.health)), ' ', Object.assign(document.createElement('span'), { textContent: mark(device.health).text }))
    row.classList.add('is-changed')
    setTimeout(() => row.classList.remove('is-changed'), 8000)
    reorder.hidden = false
  }
  row.dataset.since = device.since
  const since = cell('since')
  since.querySelector('time').setAttribute('datetime', device.since)
  since.querySelector('time').textContent = format.ago(device.since)
  since.querySelector('small').textContent = format.moment(device.since)
  cell('cause').textContent = device.cause_text
  cell('seen').textContent = device.last_seen_at ? format.moment(device.last_seen_at) : texts.neverSeen
}

/** Counts are of every device, not only of the rows that the filters left. */
function count() {
  for (const item of document.querySelectorAll('[data-count]')) {
    item.querySelector('strong').textContent = [...known.values()].filter((device) => device.health === item.dataset.count).length
  }
  document.getElementById('shown').textContent = fill(texts.shownOf, { shown: rows().length, total: known.size })
}

function sort() {
  const order = (a, b) => mark(a.dataset.health).weight - mark(b.dataset.health).weight || a.dataset.since.localeCompare(b.dataset.since)
  body.append(...rows().sort(order))
  reorder.hidden = true
}

reorder.addEventListener('click', sort)
const filters = document.getElementById('filters')
filters.addEventListener('change', () => filters.requestSubmit())
// A filter may have been chosen before this script came; the browser keeps none of them (autocomplete="off").
const asWritten = (choice) => choice.selectedOptions[0] === ([...choice.options].find((one) => one.defaultSelected) ?? choice.options[0])
if (![...filters.querySelectorAll('select')].every(asWritten)) filters.requestSubmit()
setInterval(() => { for (const time of body.querySelectorAll('time[data-ago]')) time.textContent = format.ago(time.getAttribute('datetime')) }, 10_000)

const stateNote = document.getElementById('stream-state')
const stop = followDevices(config.devices.events, {
  async onOpen() {
    const { devices } = await getJson(config.devices.list)
    devices.forEach(show)
    count()
  },
  onDevices(devices) {
    devices.forEach(show)
    count()
  },
  onState(state) {
    stateNote.dataset.state = state
    stateNote.textContent = texts[state]
  },
})
addEventListener('pagehide', stop, { once: true })
