/** How values, instants and spans read in the page's language. */
export function formats(language, texts) {
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 3 })
  const date = new Intl.DateTimeFormat(language, { dateStyle: 'medium' })
  const moment = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
  const span = (value, unit) => new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(value)

  const asDate = (text, format) => {
    const parsed = new Date(text)
    return Number.isNaN(parsed.valueOf()) ? String(text) : format.format(parsed)
  }
  const shapes = {
    integer: (value) => number.format(value),
    number: (value) => number.format(value),
    boolean: (value) => (value ? texts.yes : texts.no),
    date: (value) => asDate(value, date),
    datetime: (value) => asDate(value, moment),
    json: (value) => (typeof value === 'string' ? value : JSON.stringify(value)),
  }

  return {
    /** One attribute by its catalogue type, with its unit. */
    value(value, { type = 'string', unit = '' } = {}) {
      if (value == null || value === '') return texts.noValue
      const shape = type in shapes && !((type === 'integer' || type === 'number') && Number.isNaN(Number(value)))
      return (shape ? shapes[type](value) : String(value)) + (unit ? ` ${unit}` : '')
    },
    number: (value, digits) => new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false }).format(value),
    moment: (text) => asDate(text, moment),
    /** How long ago an instant was: whole seconds, minutes, hours or days. */
    ago(text, now = Date.now()) {
      const seconds = Math.max(0, Math.round((now - new Date(text).valueOf()) / 1000))
      if (seconds < 60) return span(seconds, 'second')
      if (seconds < 3600) return span(Math.floor(seconds / 60), 'minute')
      if (seconds < 86400) return span(Math.floor(seconds / 3600), 'hour')
      return span(Math.floor(seconds / 86400), 'day')
    },
  }
}
