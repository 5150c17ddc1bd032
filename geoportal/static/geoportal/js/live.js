/**
 * Follow the device stream for ever. Returns a function that stops it.
 *
 * `onOpen` runs each time the stream opens (and on `resync`): NOTIFY is not a queue, so the state is read again then.
 * EventSource gives up for good when the server answers with an error, as a restarting front does, and never notices a
 * connection that died without a word: so it is made anew with a growing, jittered pause, or when silent too long.
 */
export function followDevices(url, { onOpen, onDevices, onState }) {
  const SILENCE_MS = 60_000
  const LONGEST_PAUSE_MS = 15_000
  let source = null
  let timer = null
  let watchdog = null
  let failures = 0
  let stopped = false

  const heard = () => {
    clearTimeout(watchdog)
    watchdog = setTimeout(again, SILENCE_MS)
  }

  function again() {
    clearTimeout(timer)
    clearTimeout(watchdog)
    source?.close()
    if (stopped) return
    onState('reconnecting')
    const longest = Math.min(LONGEST_PAUSE_MS, 500 * 2 ** failures++)
    timer = setTimeout(open, longest * (0.5 + Math.random() / 2))
  }

  async function reread() {
    try {
      await onOpen()
      failures = 0
      onState('live')
    } catch {
      again()
    }
  }

  function open() {
    source = new EventSource(url)
    source.addEventListener('open', () => { heard(); reread() })
    source.addEventListener('device', (event) => { heard(); onDevices(JSON.parse(event.data)) })
    source.addEventListener('resync', () => { heard(); reread() })
    for (const name of ['ping', 'message', 'hello']) source.addEventListener(name, heard)
    source.addEventListener('error', again)
  }

  const wake = () => { if (document.visibilityState === 'visible' && source?.readyState !== EventSource.OPEN) again() }
  addEventListener('online', again)
  document.addEventListener('visibilitychange', wake)
  open()
  return () => {
    stopped = true
    removeEventListener('online', again)
    document.removeEventListener('visibilitychange', wake)
    again()
    onState('stopped')
  }
}
