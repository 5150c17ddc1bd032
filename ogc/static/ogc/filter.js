/** Forms whose empty fields are not asked about: the services refuse a parameter without a value. */
for (const form of document.querySelectorAll('form[data-leave-out-empty]')) {
  form.hidden = false
  form.addEventListener('formdata', ({ formData }) => {
    for (const [name, value] of [...formData]) if (!value.trim()) formData.delete(name)
  })
}
