/** Copy buttons: `data-copy` names the field, `data-done` is what the button says for a moment afterwards. */
for (const button of document.querySelectorAll('[data-copy]')) {
  button.addEventListener('click', async () => {
    const field = document.getElementById(button.dataset.copy)
    field.select()
    // The clipboard is closed to pages without https: the selected text can still be copied by hand.
    try {
      await navigator.clipboard.writeText(field.value)
    } catch {
      if (!document.execCommand('copy')) return
    }
    const before = button.textContent
    button.textContent = button.dataset.done
    setTimeout(() => { button.textContent = before }, 2000)
  })
  button.disabled = false
}
