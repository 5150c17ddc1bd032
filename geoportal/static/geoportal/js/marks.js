/** A health mark as an SVG element, drawn from the server's table `geoportal/marks.py`. */
const SVG = 'http://www.w3.org/2000/svg'

export function markSvg({ shape, sign, colour }, size = 24) {
  const svg = node('svg', { class: 'health-mark', width: size, height: size, viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' })
  svg.append(
    node('path', { d: shape, fill: colour, stroke: '#ffffff', 'stroke-width': 1.5 }),
    node('path', { d: sign, fill: 'none', stroke: '#ffffff', 'stroke-width': 2.4, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' }),
  )
  return svg
}

function node(name, attributes) {
  const element = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  return element
}
