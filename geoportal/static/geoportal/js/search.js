/**
 * The search box: a combobox (WAI-ARIA 1.2, list autocomplete with manual selection) over `/api/cerca`.
 * What is typed is asked for after a short pause; an answer that the reader has typed past is thrown away.
 */
import { el, fill, getJson } from './page_data.js'

const PAUSE_MS = 150
const MOST = 8

/** Make the box work. `onChoose(result)` is called with one result of the API; returns a function that empties it. */
export function searchBox({ url, language, texts, onChoose }) {
  const form = document.getElementById('search')
  const input = form.querySelector('[role="combobox"]')
  const list = form.querySelector('[role="listbox"]')
  const status = form.querySelector('[role="status"]')
  let results = []
  let active = -1
  let asking = null
  let timer = 0
  let answered = ''

  function open(isOpen) {
    list.hidden = !isOpen
    input.setAttribute('aria-expanded', String(isOpen))
    if (!isOpen) point(-1)
  }

  function point(index) {
    active = index
    for (const [place, option] of [...list.children].entries()) option.setAttribute('aria-selected', String(place === index))
    if (index < 0) input.removeAttribute('aria-activedescendant')
    else {
      input.setAttribute('aria-activedescendant', list.children[index].id)
      list.children[index].scrollIntoView({ block: 'nearest' })
    }
  }

  function option(result, place) {
    const about = [texts[`found_${result.kind}`], result.kind === 'layer' ? '' : result.layer?.title, result.subtitle].filter(Boolean).join(' · ')
    return el('li', { role: 'option', id: `search-option-${place}`, 'aria-selected': 'false', 'data-place': place },
      el('span', { class: 'search-title' }, result.title), el('span', { class: 'search-about' }, about))
  }

  function show(answer) {
    results = answer.results
    list.replaceChildren(...results.map(option))
    open(results.length > 0)
    const text = results.length ? fill(texts.searchCount, { count: results.length }) : texts.searchNothing
    say(answer.approximate && results.length ? `${text} ${texts.searchApproximate}` : text, !results.length)
  }

  /** Readers who listen hear every state; the eye needs it only where there is no list to see. */
  function say(text, isSeen) {
    status.textContent = text
    status.classList.toggle('visually-hidden', !isSeen)
  }

  async function ask(text) {
    asking?.abort()
    asking = new AbortController()
    const { signal } = asking
    form.setAttribute('aria-busy', 'true')
    try {
      const query = new URLSearchParams({ q: text, limit: MOST, lingua: language })
      const answer = await getJson(`${url}?${query}`, { signal })
      answered = text
      show(answer)
    } catch (error) {
      if (error.name === 'AbortError') return
      results = []
      open(false)
      say(error.status === 400 ? texts.searchNothing : texts.searchFails, true)
    } finally {
      if (!signal.aborted) form.removeAttribute('aria-busy')
    }
  }

  function forget() {
    clearTimeout(timer)
    asking?.abort()
    asking = null
    form.removeAttribute('aria-busy')
    results = []
    answered = ''
    list.replaceChildren()
    open(false)
    say('', false)
  }

  function choose(result) {
    if (!result) return
    forget()
    input.value = result.title
    onChoose(result)
  }

  input.addEventListener('input', () => {
    clearTimeout(timer)
    const text = input.value.trim()
    if (text.length < 2) return forget()
    timer = setTimeout(() => ask(text), PAUSE_MS)
  })
  input.addEventListener('keydown', (event) => {
    const { key } = event
    if (key === 'ArrowDown' || key === 'ArrowUp') {
      event.preventDefault()
      if (list.hidden && results.length) open(true)
      if (!results.length) return
      const step = key === 'ArrowDown' ? 1 : -1
      point(active < 0 ? (step > 0 ? 0 : results.length - 1) : (active + step + results.length) % results.length)
    } else if (key === 'Escape') {
      // The panel behind listens too: one key closes one thing.
      if (!list.hidden) event.stopPropagation()
      else input.value = ''
      if (list.hidden) forget()
      else open(false)
    } else if (key === 'Tab') open(false)
  })
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    clearTimeout(timer)
    const text = input.value.trim()
    if (active >= 0) return choose(results[active])
    if (text.length < 2) return
    if (text !== answered) await ask(text)
    if (text === answered) choose(results[0])
  })
  // pointerdown would take the focus away and close the list before the click arrives.
  list.addEventListener('mousedown', (event) => event.preventDefault())
  list.addEventListener('click', ({ target }) => choose(results[target.closest('[role="option"]')?.dataset.place]))
  input.addEventListener('focus', () => { if (results.length && input.value.trim() === answered) open(true) })
  input.addEventListener('blur', () => open(false))
  form.hidden = false

  return { clear() { input.value = ''; forget() } }
}
