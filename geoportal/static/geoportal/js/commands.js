/** Renews the table of a device's commands while the page is looked at: quickly while something is under way. */
const QUICK_MS = 1000
const SLOW_MS = 6000

export function followCommands(place) {
  let timer = 0
  const isMoving = () => place.querySelector('[data-moving]')?.dataset.moving === '1'
  const later = () => {
    clearTimeout(timer)
    timer = setTimeout(renew, isMoving() ? QUICK_MS : SLOW_MS)
  }
  const renew = async () => {
    if (document.hidden) return
    try {
      const answer = await fetch(place.dataset.commands, { headers: { Accept: 'text/html' } })
      const text = answer.ok && !answer.redirected ? await answer.text() : ''
      // Only what changed is put in, so that a selection or a focus in the table is not lost each second.
      if (text && text !== place.dataset.shown) {
        place.dataset.shown = text
        place.innerHTML = text
      }
    } catch {
      // The network is away for a moment; the next round asks again.
    }
    later()
  }
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) renew()
  })
  later()
}

for (const place of document.querySelectorAll('[data-commands]')) followCommands(place)
