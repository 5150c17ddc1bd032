/**
 * The map on paper: a picture of what is on the screen, its legend, when it was printed and where it can be seen again.
 * Sizes are set by map.css (`@media print`); here the map's own box is scaled whole, so that its scale bar stays true.
 */
import { fill } from '../page_data.js'

/** Room for the map on a landscape A4 sheet beside the legend, in CSS pixels (96 to the inch): 19.5 by 15.5 cm. */
const ROOM = { width: 737, height: 586 }
const SHARPNESS = 2

export function printable(map, { language, texts }) {
  const place = document.getElementById('map')
  const picture = document.getElementById('print-picture')
  const facts = document.getElementById('print-facts')
  const folded = []

  function prepare() {
    const { clientWidth: width, clientHeight: height } = place
    const scale = Math.min(ROOM.width / width, ROOM.height / height)
    for (const [name, value] of Object.entries({ width: `${width}px`, height: `${height}px`, scale })) document.body.style.setProperty(`--print-${name}`, value)
    // What WebGL has drawn can be read in the turn in which it was drawn alone.
    const usual = map.getPixelRatio()
    map.setPixelRatio(Math.max(usual, SHARPNESS))
    map.redraw()
    picture.src = map.getCanvas().toDataURL()
    map.setPixelRatio(usual)
    const date = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short' }).format(new Date())
    const credits = [...new Set([...place.querySelectorAll('.maplibregl-ctrl-attrib-inner')].map((node) => node.textContent.trim()))].filter(Boolean)
    facts.replaceChildren(...[fill(texts.printedOn, { date }), credits.length ? fill(texts.printedCredits, { credits: credits.join(' · ') }) : '', location.href].filter(Boolean).map((text) => {
      const line = document.createElement('p')
      line.textContent = text
      return line
    }))
    for (const one of document.querySelectorAll('#layer-tree :is(.theme, .layer-legend):not([open])')) {
      one.open = true
      folded.push(one)
    }
  }

  function restore() {
    for (const one of folded.splice(0)) one.open = false
    picture.removeAttribute('src')
  }

  addEventListener('beforeprint', prepare)
  addEventListener('afterprint', restore)
}
