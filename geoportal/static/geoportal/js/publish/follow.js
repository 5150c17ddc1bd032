/** Follow an upload that is being looked at or imported, and reload when the step is over. */
import { getJson } from '../page_data.js'

const WAIT_MS = 700

export function follow({ state, kind, texts }) {
  const bar = document.getElementById('percent')
  const text = document.getElementById('progress-text')
  if (!bar) return
  const look = async () => {
    try {
      const now = await getJson(state)
      if (now.phase !== kind) { location.reload(); return }
      bar.value = now.progress
      if (now.message) text.textContent = now.message
    } catch {
      text.textContent = texts.lost
    }
    setTimeout(look, WAIT_MS)
  }
  setTimeout(look, WAIT_MS)
}
