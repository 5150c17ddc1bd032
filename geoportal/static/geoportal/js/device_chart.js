/** What a device measured, drawn: the mean as a line, least to most as a band, and the same numbers as a table. */
import { el, fill, getJson, pageData } from './page_data.js'
import { formats } from './format.js'

const config = pageData('device-chart-config')
const { texts } = config
const format = formats(config.language, texts)
const form = document.getElementById('chart-form')
const figure = document.getElementById('chart-figure')
const HEIGHT = 240
const EDGE = { left: 56, right: 12, top: 12, bottom: 28 }
const ROWS = 200

const svg = (name, attributes, ...children) => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children)
  return made
}

/** Round numbers that divide a range in about four: 1, 2 or 5 times a power of ten apart. */
export function ticks(low, high) {
  const rough = (high - low) / 4 || 1
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].find((one) => one * power >= rough) * power
  const found = []
  for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) found.push(Math.abs(at) < step / 1e6 ? 0 : at)
  return found
}

const short = new Intl.NumberFormat(config.language, { notation: 'compact', maximumFractionDigits: 2 })
const when = (moment, long) => new Intl.DateTimeFormat(config.language, long ? { day: 'numeric', month: 'short' } : { hour: '2-digit', minute: '2-digit' }).format(moment)

/** Runs of points without a hole: where nothing was measured there is no line. */
function runs(points, step) {
  const found = []
  let last = -Infinity
  const gaps = points.slice(1).map((point, place) => point.at - points[place].at).sort((a, b) => a - b)
  const usual = step ? step * 1000 : (gaps[Math.floor(gaps.length / 2)] ?? 0)
  for (const point of points) {
    if (point.at - last > Math.max(2.5 * usual, 1000)) found.push([])
    found.at(-1).push(point)
    last = point.at
  }
  return found
}

/** One unit of the drawing is one pixel of the page, so that its words are as large as they should be. */
const wide = () => Math.round(Math.min(832, Math.max(300, figure.clientWidth)))

function draw({ from, to, step, points, unit }, name) {
  const read = points.map(([at, mean, least, most]) => ({ at: Date.parse(at), mean, least, most }))
  const start = Date.parse(from)
  const end = Date.parse(to)
  let low = Math.min(...read.map((point) => point.least))
  let high = Math.max(...read.map((point) => point.most))
  if (low === high) [low, high] = [Math.min(low, 0), Math.max(high, low + 1)]
  if (low > 0 && low < high / 2) low = 0
  const width = wide()
  const x = (at) => EDGE.left + ((at - start) / (end - start)) * (width - EDGE.left - EDGE.right)
  const y = (value) => HEIGHT - EDGE.bottom - ((value - low) / (high - low)) * (HEIGHT - EDGE.top - EDGE.bottom)
  const spot = (at, value) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`
  const chart = svg('svg', { viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img', 'aria-label': summary(read, name, unit), class: 'tech-chart' })
  for (const value of ticks(low, high)) {
    chart.append(svg('line', { x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value), class: 'chart-grid' }))
    chart.append(svg('text', { x: EDGE.left - 6, y: y(value) + 4, 'text-anchor': 'end' }, short.format(value)))
  }
  for (let part = 0; part <= 4; part += 1) {
    const at = start + ((end - start) * part) / 4
    const anchor = ['start', 'middle', 'middle', 'middle', 'end'][part]
    chart.append(svg('text', { x: x(at), y: HEIGHT - 8, 'text-anchor': anchor }, when(at, end - start > 2 * 86_400_000)))
  }
  for (const run of runs(read, step)) {
    const above = run.map((point) => spot(point.at, point.most))
    const below = run.map((point) => spot(point.at, point.least)).reverse()
    if (step) chart.append(svg('polygon', { points: [...above, ...below].join(' '), class: 'chart-band' }))
    if (run.length === 1) chart.append(svg('circle', { cx: x(run[0].at), cy: y(run[0].mean), r: 2.5, class: 'chart-dot' }))
    else chart.append(svg('polyline', { points: run.map((point) => spot(point.at, point.mean)).join(' '), class: 'chart-line' }))
  }
  return chart
}

function summary(read, name, unit) {
  const total = read.reduce((sum, point) => sum + point.mean, 0)
  return fill(texts.summary, {
    name,
    least: format.value(Math.min(...read.map((point) => point.least)), { type: 'number', unit }),
    most: format.value(Math.max(...read.map((point) => point.most)), { type: 'number', unit }),
    mean: format.value(total / read.length, { type: 'number', unit }),
  })
}

function table({ points, unit, step }, name) {
  const value = (number) => format.value(number, { type: 'number', unit })
  const heads = step ? [texts.moment, texts.mean, texts.least, texts.most] : [texts.moment, texts.value]
  const shown = points.slice(-ROWS).reverse()
  const rows = shown.map(([at, ...numbers]) => el('tr', {}, el('th', { scope: 'row' }, format.moment(at)), ...numbers.slice(0, heads.length - 1).map((number) => el('td', {}, value(number)))))
  return el(
    'details',
    { class: 'chart-table' },
    el('summary', {}, texts.table),
    el('div', { class: 'table-scroll', role: 'region', tabindex: 0, 'aria-label': name },
      el('table', { class: 'table' },
        el('caption', {}, fill(texts.caption, { name, shown: shown.length, total: points.length })),
        el('thead', {}, el('tr', {}, ...heads.map((head) => el('th', { scope: 'col' }, head)))),
        el('tbody', {}, ...rows))),
  )
}

let asked
async function show() {
  asked?.abort()
  asked = new AbortController()
  const { signal } = asked
  const metric = form.elements.metric.value
  const name = form.elements.metric.selectedOptions[0].textContent
  const from = new Date(Date.now() - Number(form.elements.span.value) * 3_600_000).toISOString()
  try {
    const found = await getJson(`${config.url}?${new URLSearchParams({ metric, from })}`, { signal })
    const open = figure.querySelector('details')?.open
    if (found.points.length) figure.replaceChildren(draw(found, name), el('figcaption', {}, figureText(found, name)), table(found, name))
    else figure.replaceChildren(el('p', {}, texts.nothing))
    if (open && figure.querySelector('details')) figure.querySelector('details').open = true
  } catch (error) {
    if (error.name !== 'AbortError') figure.replaceChildren(el('p', { role: 'alert' }, texts.failed))
  }
}

function figureText({ points, unit }, name) {
  const read = points.map(([, mean, least, most]) => ({ mean, least, most }))
  return summary(read, name, unit)
}

form.hidden = false
form.addEventListener('change', show)
form.addEventListener('submit', (event) => event.preventDefault())
show()
