/** The JSON that the server wrote into the page under this id. */
export const pageData = (id) => JSON.parse(document.getElementById(id).textContent)

/** What only a script can serve is written `disabled data-by-script`, so that nothing done before the script came is lost. */
export function awake(root = document) {
  for (const control of root.querySelectorAll('[data-by-script]')) control.disabled = false
}

/** Fill the `{…}` parts of a text. */
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole)

/** Make an element: `el('a', { href, class, 'data-x' }, 'text', child, …)`. Text is never read as HTML. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, '')
    else if (value !== false && value != null) element.setAttribute(key, value)
  }
  element.append(...children.filter((child) => child != null))
  return element
}

/** Read JSON from our own server. Throws an Error with `status` when the answer is not a success. */
export async function getJson(url, { signal } = {}) {
  const response = await fetch(url, { signal, headers: { Accept: 'application/geo+json, application/json' } })
  if (!response.ok) throw Object.assign(new Error(`${url}: ${response.status}`), { status: response.status })
  return response.json()
}
