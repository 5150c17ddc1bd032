/** The drop zone: files dragged or chosen, sent with visible progress. Without it the form still works. */
import { fill } from '../page_data.js'

export function sendFiles(form, { texts }) {
  const input = form.querySelector('input[type="file"]')
  const chosen = document.getElementById('chosen')
  const sending = document.getElementById('sending')
  const bar = document.getElementById('percent')
  const text = document.getElementById('sending-text')

  const tell = () => { chosen.textContent = input.files.length > 1 ? fill(texts.chosen, { count: input.files.length }) : '' }
  input.addEventListener('change', tell)
  tell() // Files may have been chosen before this script came, or be kept from before a reload.
  for (const name of ['dragover', 'dragleave', 'drop']) {
    form.addEventListener(name, (event) => {
      event.preventDefault()
      form.classList.toggle('is-over', name === 'dragover')
    })
  }
  form.addEventListener('drop', ({ dataTransfer }) => {
    if (!dataTransfer.files.length) return
    input.files = dataTransfer.files
    input.dispatchEvent(new Event('change'))
  })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const button = form.querySelector('[type="submit"]')
    button.disabled = true
    sending.hidden = false
    // fetch() does not tell how much has been sent.
    const request = new XMLHttpRequest()
    request.upload.addEventListener('progress', ({ loaded, total }) => {
      bar.value = Math.floor((loaded * 100) / Math.max(1, total))
      text.textContent = fill(texts.sending, { percent: bar.value })
    })
    const fail = (message) => { button.disabled = false; text.textContent = message }
    request.addEventListener('load', () => {
      if (request.status < 400) location.assign(request.responseURL)
      else fail(request.getResponseHeader('Content-Type')?.startsWith('text/plain') ? request.responseText : texts.sendingFails)
    })
    request.addEventListener('error', () => fail(texts.sendingFails))
    request.open('POST', form.action)
    request.send(new FormData(form))
  })
}
