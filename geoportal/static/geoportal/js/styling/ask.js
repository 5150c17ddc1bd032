/** Questions to the server about the layer's style. Each throws an Error whose message can be shown. */
export function asker(config) {
  const token = document.querySelector('[name=csrfmiddlewaretoken]').value

  /** `body` is JSON, or a File as it is. Answers JSON, or a Blob (null when there is nothing) when `asBlob`. */
  return async function ask(action, body, { asBlob = false, signal } = {}) {
    const isFile = body instanceof Blob
    let response
    try {
      response = await fetch(config.addresses[action], {
        method: 'POST',
        headers: { 'X-CSRFToken': token, 'Content-Type': isFile ? 'application/octet-stream' : 'application/json' },
        body: isFile ? body : JSON.stringify(body),
        signal,
      })
    } catch (error) {
      if (error.name === 'AbortError') throw error
      throw new Error(config.texts.failed)
    }
    if (response.ok && asBlob) return response.status === 204 ? null : response.blob()
    const answer = await response.json().catch(() => ({}))
    if (!response.ok) throw new Error(answer.error ?? config.texts.failed)
    return answer
  }
}
