/** The publishing pages: each has one thing to bring alive, by the step it is at. */
import { pageData } from '../page_data.js'

const config = pageData('publish-config')

if (config.kind === 'start') {
  const { sendFiles } = await import('./send.js')
  sendFiles(document.getElementById('upload'), config)
} else if (config.kind === 'review') {
  const { previewLayers } = await import('./preview.js')
  previewLayers(config)
} else {
  const { follow } = await import('./follow.js')
  follow(config)
}
