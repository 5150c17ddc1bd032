/** Images that styles name: point shapes and hatches of the thematic model, and the marks of devices. */
const RATIO = 2

const SHAPES = {
  circle: (r) => { const path = new Path2D(); path.arc(0, 0, r, 0, 2 * Math.PI); return path },
  square: (r) => polygon([[-r, -r], [r, -r], [r, r], [-r, r]]),
  triangle: (r) => polygon([[0, -r], [r, r], [-r, r]]),
  diamond: (r) => polygon([[0, -r], [r, 0], [0, r], [-r, 0]]),
  cross: (r) => {
    const t = r / 3
    return polygon([[-t, -r], [t, -r], [t, -t], [r, -t], [r, t], [t, t], [t, r], [-t, r], [-t, t], [-r, t], [-r, -t], [-t, -t]])
  },
}

const HATCHES = {
  diagonal: [[[-4, 12], [12, -4]], [[4, 20], [20, 4]]],
  cross: [[[-4, 12], [12, -4]], [[4, 20], [20, 4]], [[-4, 4], [12, 20]], [[4, -4], [20, 12]]],
  backdiagonal: [[[-4, 4], [12, 20]], [[4, -4], [20, 12]]],
  horizontal: [[[0, 4], [16, 4]], [[0, 12], [16, 12]]],
  vertical: [[[4, 0], [4, 16]], [[12, 0], [12, 16]]],
}

/** Draw whatever the style asks for by name: see `layers/styles/maplibre.py` for the names. */
export function supplyImages(map, marks) {
  const makers = { shape, hatch, device: (health, kind) => deviceMark(marks[health] ?? marks.unknown, kind) }
  map.setMissingStyleImageResolver((id) => {
    const [maker, ...parts] = id.split('|')
    if (maker in makers && !map.hasImage(id)) map.addImage(id, makers[maker](...parts), { pixelRatio: RATIO })
  })
}

function shape(name, fill, fillOpacity, stroke, strokeWidth, size) {
  const width = Number(strokeWidth)
  const side = Number(size) + 2 * width + 2
  return drawn(side, side, (pen) => {
    pen.translate(side / 2, side / 2)
    const path = (SHAPES[name] ?? SHAPES.circle)(Number(size) / 2)
    paint(pen, path, { fill, fillOpacity: Number(fillOpacity), stroke, width })
  })
}

function hatch(name, colour, opacity) {
  return drawn(16, 16, (pen) => {
    pen.globalAlpha = Number(opacity)
    pen.strokeStyle = colour
    pen.lineWidth = 1.5
    for (const [from, to] of HATCHES[name] ?? []) {
      pen.beginPath()
      pen.moveTo(...from)
      pen.lineTo(...to)
      pen.stroke()
    }
  })
}

/** A health mark, 24 × 24 px; under a totem's mark stands a foot, over an access point's an arc of waves. */
function deviceMark({ colour, shape: outline, sign }, kind) {
  return drawn(30, 40, (pen) => {
    pen.lineCap = 'round'
    pen.lineJoin = 'round'
    for (const [style, extra] of [['#ffffff', 3], [colour, 0]]) {
      pen.strokeStyle = style
      pen.lineWidth = 2 + extra
      pen.stroke(kind === 'totem' ? new Path2D('M15 31V37M9 37H21') : new Path2D('M8 6Q15 0 22 6'))
    }
    pen.translate(3, kind === 'totem' ? 6 : 8)
    const path = new Path2D(outline)
    paint(pen, path, { fill: colour, fillOpacity: 1, stroke: '#ffffff', width: 2 })
    pen.strokeStyle = '#ffffff'
    pen.lineWidth = 2.6
    pen.stroke(new Path2D(sign))
  })
}

function paint(pen, path, { fill, fillOpacity, stroke, width }) {
  pen.globalAlpha = fillOpacity
  pen.fillStyle = fill
  pen.fill(path)
  pen.globalAlpha = 1
  if (width > 0) {
    pen.strokeStyle = stroke
    pen.lineWidth = width
    pen.stroke(path)
  }
}

function polygon(points) {
  const path = new Path2D()
  points.forEach(([x, y], index) => (index ? path.lineTo(x, y) : path.moveTo(x, y)))
  path.closePath()
  return path
}

function drawn(width, height, draw) {
  const canvas = document.createElement('canvas')
  canvas.width = Math.ceil(width * RATIO)
  canvas.height = Math.ceil(height * RATIO)
  const pen = canvas.getContext('2d')
  pen.scale(RATIO, RATIO)
  draw(pen)
  return pen.getImageData(0, 0, canvas.width, canvas.height)
}
