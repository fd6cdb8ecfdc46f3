// Reads Prometheus' text and draws lines over time. No state of its own.
"use strict";

const svgSpace = "http://www.w3.org/2000/svg";

/** Samples of a page as an array of { name, labels, value }. */
function parseMetrics(text) {
  const samples = [];
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match === null) continue;
    const labels = {};
    for (const [, key, value] of (match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[key] = value;
    samples.push({ name: match[1], labels, value: match[3] === "+Inf" ? Infinity : Number(match[3]) });
  }
  return samples;
}

/** The sum of all samples of a name whose labels are as wanted. */
function sumOf(samples, name, isWanted = () => true) {
  let sum = 0;
  for (const sample of samples) if (sample.name === name && isWanted(sample.labels)) sum += sample.value;
  return sum;
}

/** Cumulative counts by upper bound, of all series of a histogram together: Map, ascending. */
function bucketsOf(samples, name, isWanted = () => true) {
  const counts = new Map();
  for (const { name: one, labels, value } of samples) {
    if (one !== `${name}_bucket` || !isWanted(labels)) continue;
    const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  return new Map([...counts].sort(([a], [b]) => a - b));
}

/** The value below which a share of what came between two readings lies, within its bucket by straight line; null if
    nothing came. */
function quantile(before, after, share) {
  const total = (after.get(Infinity) ?? 0) - (before.get(Infinity) ?? 0);
  if (total <= 0) return null;
  let below = 0;
  let count = 0;
  for (const [bound, value] of after) {
    const next = value - (before.get(bound) ?? 0);
    if (next >= share * total) {
      if (bound === Infinity) return below;
      return below + (bound - below) * (share * total - count) / Math.max(next - count, 1e-9);
    }
    below = bound;
    count = next;
  }
  return below;
}

/** Draws lines over a common time axis; null is a gap. */
function drawChart(svg, lines, length, format) {
  const width = svg.clientWidth || 300;
  const height = svg.clientHeight || 92;
  const top = 14;
  const bottom = height - 4;
  const most = niceMost(Math.max(...lines.flat().filter(value => value !== null), 0));
  const x = i => width * (i + length - lines[0].length) / (length - 1);
  const y = value => bottom - (bottom - top) * value / most;
  const children = [];
  for (const share of [0, 0.5, 1]) {
    const at = y(most * share);
    children.push(shape("line", { class: "grid", x1: 0, x2: width, y1: at, y2: at }));
    if (share > 0) children.push(label(0, at - 3, format(most * share)));
  }
  lines.forEach((line, index) => {
    const path = pathOf(line, x, y);
    if (index === 0 && !line.includes(null) && line.length > 1) {
      const area = `${path}L${x(line.length - 1)} ${bottom}L${x(0)} ${bottom}Z`;
      children.push(shape("path", { class: "area", d: area }));
    }
    children.push(shape("path", { class: index === 0 ? "line" : "line second", d: path }));
  });
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren(...children);
}

function pathOf(line, x, y) {
  let path = "";
  let isDown = false;
  line.forEach((value, i) => {
    if (value !== null) path += `${isDown ? "L" : "M"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
    isDown = value !== null;
  });
  return path;
}

/** The next of 1, 2 and 5 times a power of ten. */
function niceMost(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map(factor => factor * power).find(most => most >= value * 0.999);
}

function shape(name, attributes) {
  const element = document.createElementNS(svgSpace, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function label(x, y, text) {
  const element = shape("text", { x, y });
  element.textContent = text;
  return element;
}
