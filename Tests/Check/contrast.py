"""Contrast as WCAG 2.x measures it, of what a page in the browser really shows.

Text: 4.5 to 1, or 3 to 1 from 24 pixels on, or 18.66 in bold (1.4.3). What tells something without text, the edge of what
can be filled in or pressed, and the mark of the focus: 3 to 1 (1.4.11). Exempt: what is disabled, and lines that only
guide the eye (class `grid`).
"""

# Finds each thing with its two colours; what is transparent is laid over what is behind it.
SCRIPT = r"""
() => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  const rgba = colour => {
    pen.clearRect(0, 0, 1, 1); pen.fillStyle = '#000'; pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below, opacity = 1) => {
    const a = top[3] * opacity;
    return [0, 1, 2].map(i => top[i] * a + below[i] * (1 - a)).concat(1);
  };
  const linear = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = c => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const behind = element => {
    const chain = [];
    for (let e = element; e; e = e.parentElement) chain.unshift(e);
    return chain.reduce((below, e) => over(rgba(getComputedStyle(e).backgroundColor), below), [255, 255, 255, 1]);
  };
  const opacity = element => {
    let all = 1;
    for (let e = element; e; e = e.parentElement) all *= parseFloat(getComputedStyle(e).opacity);
    return all;
  };
  const isShown = element => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
  const found = [];
  const add = (kind, what, top, below, asked, faded = 1) =>
    found.push({ kind, what: what.trim().slice(0, 60), ratio: ratio(over(rgba(top), below, faded), below), asked, top });
  const asked = style => {
    const size = parseFloat(style.fontSize), bold = parseInt(style.fontWeight) >= 700;
    return size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
  };

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement, style = getComputedStyle(parent);
    if (!walker.currentNode.data.trim() || ['SCRIPT', 'STYLE', 'TITLE'].includes(parent.tagName.toUpperCase())) continue;
    if (!isShown(parent) || parent.closest(':disabled')) continue;
    const colour = parent instanceof SVGElement ? style.fill : style.color;
    add('text', walker.currentNode.data, colour, behind(parent), asked(style), opacity(parent));
  }
  for (const field of document.querySelectorAll('input, select, textarea, button')) {
    if (!isShown(field) || field.disabled) continue;
    const style = getComputedStyle(field), around = behind(field.parentElement);
    const name = field.id || field.textContent || field.tagName;
    const edges = [style.backgroundColor].concat(parseFloat(style.borderTopWidth) > 0 ? [style.borderTopColor] : []);
    const best = edges.map(e => [e, ratio(over(rgba(e), around), around)]).sort((a, b) => b[1] - a[1])[0];
    found.push({ kind: 'edge', what: name.trim(), ratio: best[1], asked: 3, top: best[0] });
    if (field.value) add('text', field.value, style.color, behind(field), asked(style), opacity(field));
    if (field.placeholder) {
      const place = getComputedStyle(field, '::placeholder');
      add('placeholder', field.placeholder, place.color, behind(field), asked(style), parseFloat(place.opacity));
    }
  }
  for (const shape of document.querySelectorAll('svg line, svg polyline, svg path, svg circle, svg rect')) {
    if (!isShown(shape.ownerSVGElement) || shape.classList.contains('grid')) continue;
    const style = getComputedStyle(shape), before = shape.previousElementSibling;
    // A mark stands on the disc that was drawn before it.
    const isMark = shape.tagName === 'path' && before?.tagName === 'circle';
    const below = isMark ? over(rgba(getComputedStyle(before).fill), behind(shape.ownerSVGElement)) : behind(shape.ownerSVGElement);
    const strokes = style.stroke === 'none' ? [] : [[style.stroke, parseFloat(style.strokeOpacity)]];
    const fills = style.fill === 'none' || ['line', 'polyline'].includes(shape.tagName) ? [] : [[style.fill, parseFloat(style.fillOpacity)]];
    const best = strokes.concat(fills).map(([c, o]) => [c, ratio(over(rgba(c), below, o * opacity(shape)), below)]).sort((a, b) => b[1] - a[1])[0];
    if (best) found.push({ kind: 'graphic', what: `${shape.ownerSVGElement.id} ${shape.tagName}`, ratio: best[1], asked: 3, top: best[0] });
  }
  for (const shape of document.querySelectorAll('.dot, .bar i')) {
    if (isShown(shape) && shape.getBoundingClientRect().width > 0)
      add('graphic', shape.className || 'bar', getComputedStyle(shape).backgroundColor, behind(shape.parentElement), 3, opacity(shape));
  }
  // A network may have more members than this one: all colours that a member can get.
  const card = behind(document.querySelector('section'));
  for (let index = 0; index < 8; index++)
    add('graphic', `member colour ${index}`, getComputedStyle(document.documentElement).getPropertyValue(`--c${index}`), card, 3);
  const focus = document.activeElement;
  if (focus && focus !== document.body) {
    const style = getComputedStyle(focus);
    add('focus', focus.id || focus.textContent || focus.tagName,
        parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== 'none' ? style.outlineColor : 'transparent',
        behind(focus.parentElement), 3);
  }
  return found;
}
"""


def check(page, name):
    """Every state of the page that another colour shows; ends with a list of what is too faint."""
    page.wait_for_function("document.getAnimations().length === 0", timeout=10_000)
    found = page.evaluate(SCRIPT)
    shown = page.evaluate("[document.getElementById('health').className, document.getElementById('locked').hidden]")
    for state in ("good", "warn", "bad"):
        page.evaluate("state => { health(state, state); $('locked').hidden = false; }", state)
        found += page.evaluate(SCRIPT)
    # One that cannot be reached.
    page.evaluate("() => { status.peers[0].connected = status.peers[0].in_step = false; draw(); }")
    found += page.evaluate(SCRIPT)
    page.evaluate("([state, hidden]) => { $('health').className = state; $('locked').hidden = hidden; }", shown)
    for _ in range(40):
        page.keyboard.press("Tab")
        found += [one for one in page.evaluate(SCRIPT) if one["kind"] == "focus"]
    faint = sorted({f"{one['kind']} '{one['what']}' {one['top']}: {one['ratio']:.2f} of {one['asked']}"
                    for one in found if one["ratio"] < one["asked"]})
    least = {}
    for one in found:
        least[one["kind"]] = min(least.get(one["kind"], 99), one["ratio"])
    print(f"{name}: {len(found)} pairs of colours, least contrast "
          + ", ".join(f"{kind} {ratio:.2f}" for kind, ratio in sorted(least.items())))
    assert {"text", "placeholder", "edge", "graphic", "focus"} <= least.keys(), f"{name}: measured {sorted(least)} alone"
    assert not faint, f"{name}: too faint:\n  " + "\n  ".join(faint)
